import type { MatchLogic } from './published-schema.ts'

/** Whether a name, in lower case, means a model. */
export type NameMatch = (name: string) => boolean

/** @throws SyntaxError for a pattern that is none. */
export function compileMatch(logic: MatchLogic): NameMatch {
  if ('or' in logic) {
    const any = logic.or.map(compileMatch)
    return (name) => any.some((matches) => matches(name))
  }
  if ('and' in logic) {
    const all = logic.and.map(compileMatch)
    return (name) => all.every((matches) => matches(name))
  }
  if ('regex' in logic) {
    const pattern = new RegExp(logic.regex)
    return (name) => pattern.test(name)
  }
  return compileText(logic)
}

type TextLogic = Exclude<MatchLogic, { or: unknown } | { and: unknown } | { regex: unknown }>

function compileText(logic: TextLogic): NameMatch {
  if ('equals' in logic) {
    const whole = logic.equals.toLowerCase()
    return (name) => name === whole
  }
  if ('starts_with' in logic) {
    const start = logic.starts_with.toLowerCase()
    return (name) => name.startsWith(start)
  }
  if ('ends_with' in logic) {
    const end = logic.ends_with.toLowerCase()
    return (name) => name.endsWith(end)
  }
  const part = logic.contains.toLowerCase()
  return (name) => name.includes(part)
}

/**
 * `name` with a date written together, `-20250514`, in the way of others, `-2025-05-14`: some
 * providers rewrite the names of models that they resell.
 */
export function dashDates(name: string): string {
  return name.replace(/-(20\d{6})(?=-|:|$)/g, (whole: string, digits: string) => {
    const date = `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`
    const instant = new Date(`${date}T00:00:00Z`)
    const isReal = !Number.isNaN(instant.getTime()) && instant.toISOString().startsWith(date)
    return isReal ? `-${date}` : whole
  })
}
