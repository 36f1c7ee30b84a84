import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Config, Provider, SecretRef } from './schema.ts'

/** What the named secrets hold. */
export interface Secrets {
  /** By `secretKey`; never empty, never with a line break or another control character. */
  readonly values: ReadonlyMap<string, string>
  /** Keys without a usable value, sorted. */
  readonly missing: readonly string[]
  /** Why, by key. */
  readonly reasons: ReadonlyMap<string, string>
}

/** The variables of a process, passed in by its `main`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Keys and certificates take a few KiB; what is larger is not a secret. */
const secretBytesMax = 2 ** 16

/** `env:NAME` or `file:path`: names a secret in maps, logs and status pages. */
export function secretKey(ref: SecretRef): string {
  return typeof ref === 'string' ? `env:${ref}` : `file:${ref.file}`
}

/** Which of the secrets that a configuration names a process may read; may repeat. */
export type SecretsOf = (config: Config) => readonly SecretRef[]

/** A sidecar stands in the tenant's pod: it reads what it proves itself with, and no key. */
export const sidecarSecrets: SecretsOf = ({ sidecar }) =>
  sidecar.secret === undefined ? [] : [sidecar.secret]

/**
 * An ambassador reads what sidecars prove themselves with, its own provider's keys, and those that seal
 * ids.
 */
export function ambassadorSecrets(provider: string): SecretsOf {
  return ({ ambassador: { identity }, providers, storedIds }) => [
    ...(identity.kind === 'shared-secret' ? identity.secrets.map(({ secret }) => secret) : []),
    ...secretsOfProvider(providers[provider]),
    ...storedIds.secrets,
  ]
}

function secretsOfProvider(provider: Provider | undefined): readonly SecretRef[] {
  if (provider === undefined) return []
  const keys = provider.credentials.flatMap(({ secret }) => secret ?? [])
  const salt = provider.kind === 'vllm' ? provider.cacheSalt?.secret : undefined
  return salt === undefined ? keys : [...keys, salt]
}

/** Every secret that `config` names, for who starts the halves. */
export const allSecrets: SecretsOf = (config) => [
  ...sidecarSecrets(config),
  ...Object.keys(config.providers).flatMap((provider) => ambassadorSecrets(provider)(config)),
]

/** Absolute paths of the secrets that come from files; relative ones start at `directory`. */
export function secretFiles(refs: readonly SecretRef[], directory: string): string[] {
  const files = refs.flatMap((ref) => (typeof ref === 'string' ? [] : [ref.file]))
  return [...new Set(files.map((file) => resolve(directory, file)))]
}

/**
 * Reads the secrets of `refs`. One trailing line break is cut, since editors and
 * `kubectl` add it. A secret that cannot be used is reported, not thrown: what needs it refuses
 * its calls, everything else works.
 */
export function readSecrets(
  refs: readonly SecretRef[],
  directory: string,
  environment: Environment,
): Secrets {
  const values = new Map<string, string>()
  const reasons = new Map<string, string>()
  for (const ref of refs) {
    const found =
      typeof ref === 'string'
        ? checked(environment[ref], 'is not set')
        : checked(...readFile(resolve(directory, ref.file)))
    if (found.ok) values.set(secretKey(ref), found.value)
    else reasons.set(secretKey(ref), found.reason)
  }
  return { values, missing: [...reasons.keys()].toSorted(), reasons }
}

type Found = { ok: true; value: string } | { ok: false; reason: string }

function checked(raw: string | undefined, reason: string): Found {
  if (raw === undefined) return { ok: false, reason }
  const value = raw.replace(/\r?\n$/, '')
  if (value === '') return { ok: false, reason: 'is empty' }
  if (value.length > secretBytesMax) return { ok: false, reason: 'is larger than 64KiB' }
  // It is sent in a header, where a line break would end it and start another.
  // oxlint-disable-next-line no-control-regex
  if (/[\x00-\x1f\x7f]/.test(value)) return { ok: false, reason: 'has control characters' }
  return { ok: true, value }
}

function readFile(path: string): [content: string | undefined, reason: string] {
  try {
    const stats = statSync(path)
    // Reading a pipe or a device would block the process.
    if (!stats.isFile()) return [undefined, 'is not a file']
    if (stats.size > secretBytesMax) return [undefined, 'is larger than 64KiB']
    return [readFileSync(path, 'utf8'), '']
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    return [undefined, `cannot be read: ${code}`]
  }
}
