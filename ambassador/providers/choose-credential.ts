import type { Credential } from '#shared/config/credential-schema.ts'

/** What a credential is wanted for. */
export interface Wish {
  /** In the provider's words. */
  readonly model: string
  /** Names that are not to be taken. */
  readonly excluded: ReadonlySet<string>
  /** Whether there is something to send. */
  readonly hasValue: (credential: Credential) => boolean
  /** Uniform in [0, 1). */
  readonly random: () => number
}

const nobody: ReadonlySet<string> = new Set()

/** Whether the configuration lets `credential` be used for `model`, or for what has none: an empty one. */
export function serves({ models }: Credential, model: string): boolean {
  return models === undefined || model === '' || models.includes(model)
}

/**
 * One of those that may serve the model and have a value, at random by weight; undefined where there
 * is none. Linear.
 */
export function chooseCredential(
  credentials: readonly Credential[],
  wish: Omit<Wish, 'excluded'> & Partial<Pick<Wish, 'excluded'>>,
): Credential | undefined {
  const { model, excluded = nobody, hasValue, random } = wish
  const able = credentials.filter(
    (credential) =>
      !excluded.has(credential.name) && serves(credential, model) && hasValue(credential),
  )
  if (able.length < 2) return able[0]
  let left = random() * able.reduce((sum, { weight }) => sum + weight, 0)
  for (const credential of able) {
    left -= credential.weight
    if (left < 0) return credential
  }
  // Rounding may leave a hair's breadth.
  return able.at(-1)
}
