import { execFile } from 'node:child_process'

/** How often systemd wants to hear of the service; undefined where it does not ask. */
export function watchdogMs(env: NodeJS.ProcessEnv, pid: number): number | undefined {
  const usec = Number(env['WATCHDOG_USEC'])
  const wanted = env['WATCHDOG_PID']
  if (!Number.isFinite(usec) || usec <= 0 || (wanted !== undefined && wanted !== String(pid))) return undefined
  return usec / 1000
}

export type ServiceState = 'ready' | 'reloading' | 'stopping' | 'watchdog'

/** What a service tells of itself; `status` is a line for `systemctl status`. */
export interface ServiceNote {
  readonly state?: ServiceState
  readonly status?: string
}

/**
 * Tells systemd how the service is, where systemd asks for it (NOTIFY_SOCKET). Node has no datagram sockets of this kind, so the program that
 * comes with systemd sends it; the unit needs `NotifyAccess=all`. Gives what went wrong, if anything: nothing of the service
 * depends on it.
 */
export async function notifyService(note: ServiceNote, env: NodeJS.ProcessEnv = process.env): Promise<Error | undefined> {
  if (env['NOTIFY_SOCKET'] === undefined || env['NOTIFY_SOCKET'] === '') return undefined
  return new Promise((resolve) => {
    // A service that is being watched must not wait for long.
    execFile('systemd-notify', noteLines(note), { env, timeout: 5000 }, (error) => resolve(error ?? undefined))
  })
}

/** The assignments of the protocol. */
export function noteLines({ state, status }: ServiceNote): readonly string[] {
  const lines = {
    ready: ['READY=1'],
    // What systemd takes for the start of the reload: its clock and this one are the same.
    reloading: ['RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`],
    stopping: ['STOPPING=1'],
    watchdog: ['WATCHDOG=1'],
  } as const
  return [...(state === undefined ? [] : lines[state]), ...(status === undefined ? [] : [`STATUS=${status.replaceAll('\n', ' ')}`])]
}
