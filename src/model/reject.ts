/** Why a row is rejected, unless an expectation says it. */
export const REJECT_RULES = ['type', 'ragged', 'encoding', 'json', 'key', 'sequence', 'tie', 'constraint'] as const
