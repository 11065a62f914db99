import type { Output } from './output.ts'

/** Whether a person is watching who can be drawn for: not in pipes, in CI and on terminals that cannot move the cursor. */
export function canDraw(output: Output): boolean {
  const { env } = process
  return output.terminal && process.stderr.isTTY === true && env['TERM'] !== 'dumb' && !isCi(env['CI'])
}

function isCi(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false'
}

/** React decides by NODE_ENV, when it is loaded, whether it keeps timings of every frame: without end, in a long run. */
export async function loadDrawing<T>(load: () => Promise<T>): Promise<T> {
  const before = process.env['NODE_ENV']
  process.env['NODE_ENV'] = 'production'
  try {
    return await load()
  } finally {
    if (before === undefined) delete process.env['NODE_ENV']
    else process.env['NODE_ENV'] = before
  }
}
