/** A sealed id with its provider's name, taken apart; nothing of it is proven. */
export interface LongId {
  readonly form: 'long'
  /** As the provider knows it. */
  readonly id: string
  /** Name of the provider in the configuration. */
  readonly provider: string
  /** Stands for the credential; only the ambassador knows for which. */
  readonly tag: string
  readonly mac: string
}

/** Letters of an id that may stand in a path and in JSON as they are. */
const plainId = /^[A-Za-z0-9_-][A-Za-z0-9._~-]{0,511}$/

/** Longer ones are none of ours: an id has at most 512 characters, and the rest is short. */
const sealedCharsMax = 1_024

/** Read from the right, where every part has a form of its own: an id may hold dots. */
const sealedForm =
  /^([A-Za-z0-9._~-]+)\.([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)~([A-Za-z0-9_-]{8})\.([A-Za-z0-9_-]{22})$/

/**
 * `resp_abc` → `resp_abc.PROVIDER~TAG.MAC`: its beginning stays, for SDKs look at it. An id with other
 * letters than `A-Z a-z 0-9 . _ ~ -` is written as `~` and its base64url.
 */
export function writeLong({ id, provider, tag, mac }: Omit<LongId, 'form'>): string {
  const shown = plainId.test(id) ? id : `~${Buffer.from(id).toString('base64url')}`
  return `${shown}.${provider}~${tag}.${mac}`
}

/** The parts of `text`; undefined where it does not have the form. */
export function readLong(text: string): LongId | undefined {
  if (text.length > sealedCharsMax) return undefined
  const [, shown = '', provider = '', tag = '', mac = ''] = sealedForm.exec(text) ?? []
  if (shown === '') return undefined
  if (!shown.startsWith('~')) return { form: 'long', id: shown, provider, tag, mac }
  const id = Buffer.from(shown.slice(1), 'base64url').toString()
  const sealed = { form: 'long', id, provider, tag, mac } as const
  // One spelling for one id.
  return writeLong(sealed) === text ? sealed : undefined
}
