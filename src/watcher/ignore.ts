import { globMatches, globOf, globSegments } from '../lib/glob.ts'

/**
 * Decides by a name, and by the path below the base, whether a file is never taken or a folder never entered; says by
 * which rule. `prefix` is the folder's path below the base with a slash at its end, empty for the base itself.
 */
export type IgnoreRule = (name: string, prefix: string) => string | undefined

/** What programs put on a file that they are still writing. */
const UNFINISHED = ['.tmp', '.part', '.crdownload', '.filepart'] as const

/** The rules of every table, the globs of `watch.ignore`, and the table's markers. One rule for files and folders. */
export function ignoreRule(ignore: readonly string[], marker: string | null): IgnoreRule {
  const globs = ignore.map((text) => ({ text, glob: globOf(globSegments(text.replace(/^\.?\//, ''))) }))
  const markers = marker === null ? undefined : markerNames(marker)
  return (name, prefix) => {
    const builtIn = ignoredName(name)
    if (builtIn !== undefined || (globs.length === 0 && markers === undefined)) return builtIn
    const relative = prefix + name
    const found = globs.find(({ glob }) => globMatches(glob, name) || (relative !== name && globMatches(glob, relative)))
    if (found !== undefined) return `watch.ignore has ${found.text}`
    return markers?.test(relative) === true ? `it is a marker (watch.marker is ${marker})` : undefined
  }
}

/**
 * The rule that stops a path, if any: a file in an ignored folder is ignored with it. `relative` is below the base,
 * since what the pattern names outright is meant.
 */
export function ignoredPath(rule: IgnoreRule, relative: string): string | undefined {
  const names = relative.split('/')
  for (const [index, name] of names.entries()) {
    const reason = rule(
      name,
      names
        .slice(0, index)
        .map((folder) => `${folder}/`)
        .join(''),
    )
    if (reason === undefined) continue
    return index === names.length - 1 ? reason : `the folder ${JSON.stringify(name)} is ignored: ${reason}`
  }
  return undefined
}

function ignoredName(name: string): string | undefined {
  if (name.startsWith('.')) return 'its name begins with .'
  if (name.startsWith('_')) return 'its name begins with _'
  for (const suffix of UNFINISHED) if (name.endsWith(suffix)) return `its name ends in ${suffix}`
  return undefined
}

/** Every path that is the marker of some file: `{name}.done` beside it, or `_SUCCESS` in its folder. */
function markerNames(marker: string): RegExp {
  const parts = marker.split('{name}').map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
  return new RegExp(`(?:^|/)${parts.join('[^/]+')}$`, 's')
}
