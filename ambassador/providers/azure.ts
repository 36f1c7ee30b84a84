import type { Provider } from '#shared/config/schema.ts'
import { azureLimits } from '../quota/shape.ts'
import { authHeaders } from './auth-headers.ts'
import { contextWindow, type KnownRefusal } from './known-refusal.ts'
import { modelsProbe } from './paths.ts'
import type { Profile } from './profile.ts'

/** The latest version that is no preview: learn.microsoft.com, "Azure OpenAI REST API reference". */
const latestVersion = '2024-10-21'

/** A caller's own version is kept: two would be refused. */
function withVersion(query: string, version: string | undefined): string {
  if (version === undefined || /[?&]api-version=/.test(query)) return query
  return `${query === '' ? '?' : `${query}&`}api-version=${version}`
}

function versionOf(provider: Provider): string | undefined {
  return provider.kind === 'azure' ? provider.apiVersion : undefined
}

/** Its 429 at a peak is no limit of the credential, and has no code of its own. */
const refusals: readonly KnownRefusal[] = [
  ...contextWindow,
  {
    statuses: [429],
    text: /^the system is currently experiencing high demand\b/,
    means: 'overloaded',
  },
]

/**
 * Azure OpenAI, the surface without versions: learn.microsoft.com, "Azure OpenAI in Microsoft Foundry
 * Models v1 API". The model in the body is the name of a deployment. A key goes as `api-key`, a token of
 * Microsoft Entra as Bearer. That streams report usage when asked is documented for versions from
 * 2024-09 on; Responses are there too (learn.microsoft.com, "Azure OpenAI Responses API"). Not checked here: that v1 lists its models on `/openai/v1/models` for either
 * credential, and that it counts tokens, so the sidecar does.
 */
export const azure: Profile = {
  title: 'Azure OpenAI',
  telemetryName: 'azure.ai.openai',
  baseUrl: undefined,
  auth: ['api-key', 'bearer'],
  authorization: (secret, form = 'api-key') => authHeaders(form, secret),
  dialects: ['chat', 'completions', 'embeddings', 'responses'],
  counts: [],
  path: (base, surfacePath) => `${base}/openai${surfacePath}`,
  query: (query, provider) => withVersion(query, versionOf(provider)),
  usage: { ofStreams: 'asked' },
  // Reasoning models refuse `max_tokens`: learn.microsoft.com, "Azure OpenAI reasoning models". Some
  // GPT-4o deployments below old versions refuse this one (github.com/BerriAI/litellm, issue 8855).
  output: { member: 'max_completion_tokens', other: 'left' },
  limitShape: azureLimits,
  fullStatuses: [],
  refusals,
  probe: modelsProbe,
  prices: 'azure',
}

/** Paths without a deployment: what generates has one, but for Responses. */
const unDeployed = new Set([modelsProbe.path.slice('/v1'.length), '/responses'])

/**
 * The older surface: the deployment stands in the path and every path has a version. Source: the official
 * client (azure.ts of openai 7.55.0). Responses, which versions from 2025-03 have as previews, lie beside
 * the deployments, and are not served unless the configuration says so.
 */
export const azureDeployments: Profile = {
  ...azure,
  dialects: ['chat', 'completions', 'embeddings'],
  path(base, surfacePath, model) {
    const below = surfacePath.slice('/v1'.length)
    if (unDeployed.has(below)) return `${base}/openai${below}`
    return `${base}/openai/deployments/${encodeURIComponent(model)}${below}`
  },
  query: (query, provider) => withVersion(query, versionOf(provider) ?? latestVersion),
}
