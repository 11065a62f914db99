import type { Output } from './output.ts'

/** Whether a person is watching who can be drawn for: not in pipes, in CI and on terminals that cannot move the cursor. */
export function canDraw(output: Output): boolean {
  const { env } = process
  return output.terminal && process.stderr.isTTY === true && env['TERM'] !== 'dumb' && !isCi(env['CI'])
}

function isCi(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false'
}
