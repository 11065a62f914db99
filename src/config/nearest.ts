import { distance } from 'fastest-levenshtein'

/** The known word that a mistyped one most likely means; undefined when none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const lower = word.toLowerCase()
  // Half a name, as source_path for source_path_pattern.
  const [longer, ...others] = known.filter((candidate) => candidate.toLowerCase().startsWith(`${lower}_`))
  if (longer !== undefined && others.length === 0) return longer
  let best: { readonly word: string; readonly distance: number } | undefined
  for (const candidate of known) {
    const far = distance(lower, candidate.toLowerCase())
    if (best === undefined || far < best.distance) best = { word: candidate, distance: far }
  }
  const limit = Math.max(2, Math.floor(word.length / 3))
  return best !== undefined && best.distance <= limit ? best.word : undefined
}
