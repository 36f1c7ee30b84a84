import { project } from '#deploy/controller/project.ts'
import { objectAt } from '#deploy/inject/json.ts'
import { describeProblems } from '#shared/config/load.ts'
import { parseTuned } from '#shared/config/tuned.ts'
import type { Question, Verdict } from './review.ts'

/** Kubernetes cuts what it shows of a refusal. */
const messageCharsMax = 2_000

/** What holds for keys that a tenant may set, whatever the platform's configuration is. */
const emptyPlatform = { where: 'outrigger.yaml', text: '{}' }

/**
 * Judges a ConfigMap that holds a configuration: the platform's, in `systemNamespace`, whole, with every
 * bad key, or for what sidecars get of it, if that is too large to be given out; a tenant's only by
 * what is wrong in what it may set, and it is warned of what is ignored. Above 64 KiB that is all of it.
 */
export function checkConfig({ object, namespace }: Question, systemNamespace: string): Verdict {
  const name = objectAt(object, 'metadata')?.['name']
  const text = objectAt(object, 'data')?.['outrigger.yaml']
  const isPlatform = namespace === systemNamespace && name === 'outrigger'
  if (typeof text !== 'string') {
    const message = `Cannot take ConfigMap '${String(name)}': it has no key outrigger.yaml`
    return isPlatform ? { kind: 'deny', message } : { kind: 'allow', warnings: [message] }
  }
  if (isPlatform) {
    // As the controller will: what it could not give out to sidecars is refused here. What TLS adds is
    // the longer of both.
    const projected = project(text, { transport: 'tls' })
    if (projected.ok) return { kind: 'allow' }
    const message = `Cannot take the configuration:\n${describeProblems(projected.problems)}`
    return { kind: 'deny', message: message.slice(0, messageCharsMax) }
  }
  const { ignored } = parseTuned(emptyPlatform, { where: 'outrigger.yaml', text })
  // Whether the platform has a model is not known here: its own file is read where it counts.
  const warnings = ignored
    .filter(({ message }) => message !== 'is not a model of the platform')
    .map(({ path, message }) =>
      `Outrigger ignores ${path === '' ? 'the file:' : path} ${message}`.slice(0, 250),
    )
  return { kind: 'allow', warnings: warnings.slice(0, 10) }
}
