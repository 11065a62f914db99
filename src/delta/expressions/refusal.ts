/** An expression that we do not evaluate, since it would be a guess what it means. */
export class Refusal extends Error {}
