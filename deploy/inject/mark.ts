/**
 * What the exact inverse cannot see: a member was null, an empty list or object, or absent where
 * something is left; or the author had written a variable just as it would have been added.
 */
export type Oddity = 'null' | 'empty' | 'absent' | 'own'

/** The value of the template annotation: `5f0c9a1be27d`, or `5f0c9a1be27d,volumes=empty` for an odd pod. */
export interface Mark {
  readonly hash: string
  /** By place, such as `volumes`, `containers/app/env` or `containers/app/env/OPENAI_BASE_URL`. */
  readonly oddities: ReadonlyMap<string, Oddity>
}

export function writeMark({ hash, oddities }: Mark): string {
  return [hash, ...[...oddities].map(([place, oddity]) => `${place}=${oddity}`)].join(',')
}

/** Undefined where `text` is not of our writing. */
export function readMark(text: string | undefined): Mark | undefined {
  const [hash = '', ...rest] = text?.split(',') ?? []
  if (!/^[0-9a-f]{12}$/.test(hash)) return undefined
  const oddities = new Map<string, Oddity>()
  for (const item of rest) {
    const [, place = '', word = ''] = /^([A-Za-z0-9/_.-]+)=([a-z]+)$/.exec(item) ?? []
    if (!isOddity(word)) return undefined
    oddities.set(place, word)
  }
  return { hash, oddities }
}

function isOddity(word: string): word is Oddity {
  return word === 'null' || word === 'empty' || word === 'absent' || word === 'own'
}
