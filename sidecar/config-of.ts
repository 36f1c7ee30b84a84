import type { Config } from '#shared/config/schema.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { SidecarCall } from './call.ts'

/** The configuration a call began with. Throws `not-configured` before there is one. */
export function configOf(context: SidecarCall): Config {
  if (context.snapshot === undefined) {
    throw new CallError('not-configured', 'Cannot serve: there is no valid configuration yet')
  }
  return context.snapshot.config
}
