/** What storage can answer: disks, buckets and containers. */
export const STORAGE_CODES = {
  'ING-STORAGE-FULL': { cause: 'There is no room on the disk.', remedy: 'Free room; it is tried again.' },
  'ING-STORAGE-READ-ONLY': { cause: 'The target or the state folder cannot be written.', remedy: 'Grant write permission.' },
  'ING-STORAGE-CREDENTIALS': {
    cause: 'The credentials of a bucket or container are missing, wrong or expired.',
    remedy: 'Mend those of the connection, or those that the SDK finds by itself.',
  },
  'ING-STORAGE-DENIED': {
    cause: 'The credentials are good, but do not permit what was asked for.',
    remedy: 'Grant what docs/object-stores.md lists.',
  },
  'ING-STORAGE-BUCKET': {
    cause: 'The bucket or container does not exist.',
    remedy: 'Create it, or mend its name or the endpoint.',
  },
  'ING-STORAGE-REGION': { cause: 'The bucket is in another region.', remedy: 'Set `region` in the connection.' },
  'ING-STORAGE-CLOCK': {
    cause: 'The clock of this machine differs too much from that of the store, which refuses its requests.',
    remedy: 'Set the clock, for example by NTP.',
  },
  'ING-STORAGE-UNREACHABLE': { cause: 'The store does not answer.', remedy: 'It is tried again; look at the endpoint and the network.' },
  'ING-STORAGE-BUSY': { cause: 'The store turned requests away again and again.', remedy: 'None: it is tried again.' },
  'ING-STORAGE-KEY': { cause: 'The name of an object cannot be asked for by a URL.', remedy: 'Rename the object.' },
  'ING-STORAGE-LISTING': {
    cause: 'The store repeats pages of a listing, or lists keys out of order, so that nothing can be concluded from it.',
    remedy: 'It is tried again; look at proxies and caches before the store.',
  },
  'ING-STORAGE-CONDITION': {
    cause: 'The store does not keep the condition that an object is not there yet, by which commits are told apart.',
    remedy: 'Use another store for tables; it can still be a source.',
  },
  'ING-STORAGE': { cause: 'The storage failed.', remedy: 'It is tried again; see the message.' },
} as const satisfies Record<string, { readonly cause: string; readonly remedy: string }>
