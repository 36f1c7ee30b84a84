import {
  AuthenticationError,
  ClientSecretCredential,
  CredentialUnavailableError,
  DefaultAzureCredential,
  type TokenCredential,
} from '@azure/identity'
import { type Identity, NoToken, type TokenLibrary } from './token-library.ts'

/**
 * Microsoft's own library: the workload identity of AKS, managed identities, an application's secret,
 * and on a laptop whoever is logged in. It caches tokens and reads its own variables
 * (`AZURE_AUTHORITY_HOST`, `AZURE_FEDERATED_TOKEN_FILE`, `IDENTITY_ENDPOINT`, …). Loading it costs 60 ms of
 * CPU and 7 MB bundled (250 ms and 43 MB from `node_modules`), so this file is loaded where a
 * credential asks for it only.
 */
export const azureIdentity: TokenLibrary = {
  open(identity) {
    let credential: TokenCredential | undefined
    return {
      async getToken(scope, abortSignal) {
        try {
          credential ??= credentialOf(identity)
          const token = await credential.getToken(scope, { abortSignal })
          if (token === null) throw new NoToken('the library gave none')
          const { expiresOnTimestamp, refreshAfterTimestamp } = token
          return {
            value: token.token,
            expiresMs: expiresOnTimestamp,
            renewMs: refreshAfterTimestamp,
          }
        } catch (error) {
          throw error instanceof NoToken ? error : new NoToken(wordsOf(error))
        }
      },
    }
  },
}

function credentialOf({ tenantId, clientId, secret }: Identity): TokenCredential {
  if (secret !== undefined && tenantId !== undefined && clientId !== undefined) {
    return new ClientSecretCredential(tenantId, clientId, secret)
  }
  return new DefaultAzureCredential({
    ...(tenantId === undefined ? {} : { tenantId }),
    ...(clientId === undefined
      ? {}
      : { managedIdentityClientId: clientId, workloadIdentityClientId: clientId }),
  })
}

/** Its messages may hold a request; the class and the code of Entra (AADSTS…) say enough. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown failure'
  const code = /AADSTS\d{1,9}/.exec(error.message)?.[0]
  if (code !== undefined) return `Entra refused with ${code}`
  if (error instanceof AuthenticationError) return `refused with status ${error.statusCode}`
  if (error instanceof CredentialUnavailableError) return 'no identity is at hand here'
  return error.name
}
