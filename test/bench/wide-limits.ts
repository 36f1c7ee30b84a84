/** Limits that never bind: what is measured is their keeping. In YAML's flow style. */

/** Five limits of as many units, none of which binds; priced, so that money is counted. */
export const tenantLimits =
  '[{ requests: 1000000000, per: minute }, { tokens: 100000000000, per: minute }, ' +
  '{ inputTokens: 100000000000, per: hour }, { outputTokens: 100000000000, per: day }, ' +
  '{ usd: 100000000, per: month }]'

/** All dimensions that OpenAI has, none of which binds. */
export const providerLimits =
  '{ requests: 1000000000, tokens: 100000000000, project-tokens: 100000000000, ' +
  'requests-day: 100000000000, tokens-day: 1000000000000 }'

/** Of a provider that tells its limits: reading them is what is to be measured. */
export const limitHeaders: readonly string[] = ['requests', 'tokens', 'project-tokens'].flatMap(
  (of) => [
    `x-ratelimit-limit-${of}`,
    '1000000000',
    `x-ratelimit-remaining-${of}`,
    '999999999',
    `x-ratelimit-reset-${of}`,
    '6ms',
  ],
)
