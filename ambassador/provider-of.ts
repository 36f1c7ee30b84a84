import type { Config, Provider } from '#shared/config/schema.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { AmbassadorCall } from './call.ts'

/** The configuration a call began with. Throws `not-configured` before there is one. */
export function configOf(context: AmbassadorCall): Config {
  if (context.snapshot === undefined) {
    throw new CallError('not-configured', 'Cannot serve: there is no valid configuration yet')
  }
  return context.snapshot.config
}

/** This ambassador's provider. Throws `not-configured` where the file no longer names it. */
export function providerOf(context: AmbassadorCall): Provider {
  const provider = configOf(context).providers[context.provider]
  if (provider === undefined) {
    throw new CallError(
      'not-configured',
      `Cannot serve: the configuration names no provider '${context.provider}'`,
    )
  }
  return provider
}
