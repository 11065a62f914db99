import { schedule } from 'node-cron'

export interface CronTimer extends Disposable {
  /** Milliseconds since the epoch; null where the expression has no time to come. */
  readonly nextMs: () => number | null
}

/** Calls at the times of a cron expression, in the time zone of the machine. */
export function cronTimer(expression: string, onTime: () => void): CronTimer {
  // What is missed while the machine was busy or asleep is told by node-cron as a warning on the console.
  const task = schedule(expression, onTime, { suppressMissedWarning: true })
  return {
    nextMs: () => task.getNextRun()?.getTime() ?? null,
    [Symbol.dispose]: () => void task.destroy(),
  }
}
