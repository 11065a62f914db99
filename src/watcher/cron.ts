import { type ScheduledTask, schedule } from 'node-cron'

export interface CronTimer extends Disposable {
  /** Milliseconds since the epoch; null where the expression has no time to come. */
  readonly nextMs: () => number | null
  /** The clock was set: times that it passed over are made up for by one call, and those to come are planned anew. */
  readonly replan: () => void
}

/** Calls at the times of a cron expression, in the time zone of the machine; late, rather than not at all, after the machine was busy or asleep. */
export function cronTimer(expression: string, onTime: () => void): CronTimer {
  let plannedMs: number | null = null
  const start = () => {
    const task = schedule(
      expression,
      () => {
        plannedMs = nextOf(task)
        onTime()
      },
      { suppressMissedWarning: true, missedExecutionTolerance: Number.MAX_SAFE_INTEGER },
    )
    plannedMs = nextOf(task)
    return task
  }
  let task = start()
  const replan = () => {
    const isPassed = plannedMs !== null && plannedMs <= Date.now()
    void task.destroy()
    task = start()
    if (isPassed) onTime()
  }
  return { nextMs: () => nextOf(task), replan, [Symbol.dispose]: () => void task.destroy() }
}

function nextOf(task: ScheduledTask): number | null {
  return task.getNextRun()?.getTime() ?? null
}
