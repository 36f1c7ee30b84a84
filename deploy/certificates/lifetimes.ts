import { parseDuration } from '#shared/config/units.ts'
import { defaultLifetimes, type Lifetimes } from './authorities.ts'

const members = {
  authority: 'authorityMs',
  leaf: 'leafMs',
  spread: 'spreadMs',
  skew: 'skewMs',
} as const satisfies Readonly<Record<string, keyof Lifetimes>>

type Name = keyof typeof members

const isName = (text: string): text is Name => Object.hasOwn(members, text)

/** Certificates are looked at once a minute at the latest: a Secret that is deleted comes back. */
const checkMsMax = 60_000

/**
 * Reads `authority=8760h,leaf=720h,spread=24h,skew=1h`, of which whatever is left out is as by default.
 * Throws, saying what would be right, on lifetimes by which a rotation could fail.
 *
 * - `spread`: how long an authority is trusted everywhere before it signs. Kubelets bring a ConfigMap
 *   to their pods within 90 s, so that anything below two minutes is for clusters of tests.
 */
export function readLifetimes(text: string): Lifetimes {
  let lifetimes = defaultLifetimes
  for (const part of text.split(',').filter((each) => each !== '')) {
    const [name = '', value = ''] = part.split('=', 2)
    if (!isName(name)) {
      throw refusal(`'${name}' is not one of ${Object.keys(members).join(', ')}`)
    }
    const parsed = parseDuration(value)
    if (!parsed.ok) throw refusal(`${name} is '${value}', and should be such as 720h`)
    lifetimes = { ...lifetimes, [members[name]]: parsed.value }
  }
  const { authorityMs, leafMs, spreadMs, skewMs } = lifetimes
  if (leafMs > authorityMs) throw refusal('leaf is longer than authority, whose end is its own')
  // A third of its life is left when its successor is made, of which half is for what goes wrong.
  if (spreadMs > authorityMs / 6) throw refusal('spread is longer than a sixth of authority')
  // Renewed with a third left, counted from the beginning that lies before its issue.
  if (skewMs > leafMs) throw refusal('skew is longer than leaf')
  return lifetimes
}

/** How often certificates have to be looked at, in ms, so that no renewal comes late. */
export function checkMsOf({ leafMs, spreadMs }: Lifetimes): number {
  return Math.min(checkMsMax, leafMs / 30, Math.max(1_000, spreadMs / 4))
}

function refusal(state: string): Error {
  return new Error(`Cannot read --lifetimes: ${state}`)
}
