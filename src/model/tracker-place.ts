/** Where a tracker is. The URL holds a password: it is shown by `redactUrl` alone. */
export type TrackerPlace =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly url: string; readonly schema: string; readonly poolSize: number }
