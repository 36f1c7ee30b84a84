import type { Clock } from '#shared/call/clock.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { EntraTokens } from './entra-tokens.ts'

/** The tokens of one ambassador; Microsoft's library is loaded where a credential asks for it. */
export function startTokens({ clock, log }: { clock: Clock; log: Log }): EntraTokens {
  return new EntraTokens({
    clock,
    load: async () => (await import('./azure-identity.ts')).azureIdentity,
    onFailure: (credential, reason) =>
      log.error({ credential, reason }, 'Cannot get a token of Microsoft Entra'),
  })
}
