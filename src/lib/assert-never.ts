/** Makes a switch total: a case that was forgotten is a compile error, and at run time a bug. */
export function assertNever(value: never): never {
  throw new Error(`unhandled case: ${JSON.stringify(value)}`)
}
