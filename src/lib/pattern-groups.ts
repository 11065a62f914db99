/** The pattern as RE2 takes it: groups are named by `(?P<name>…)`. */
export function re2Pattern(pattern: string): string {
  return pattern.replaceAll(/(\\.)|\(\?<(?=[A-Za-z_])/gs, (_all, escaped: string | undefined) => escaped ?? '(?P<')
}

/** The capturing groups of a pattern in their order: a name, or null for one without. */
export function groupsOf(pattern: string): readonly (string | null)[] {
  const groups: (string | null)[] = []
  // What is escaped or stands in brackets opens nothing.
  for (const found of pattern.matchAll(/\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]])*\]|\((?:\?P?<([A-Za-z_]\w*)>|(\?))?/gs)) {
    if (!found[0].startsWith('(')) continue
    if (found[1] !== undefined) groups.push(found[1])
    else if (found[2] === undefined) groups.push(null)
  }
  return groups
}
