import * as v from 'valibot'
import type { LimitConfig } from '#ambassador/limits/tenant-limits.ts'
import { tenantLimitKeys } from '#shared/config/limit-schema.ts'
import { model } from '#shared/config/target-schema.ts'

const tenantKeys = v.object(tenantLimitKeys)

/**
 * A configuration with these tenants. Provider `main` serves `m` and `org/m:1` as alias `small`,
 * `large` by a rule of alias `large`; provider `other` has more.
 */
export function limitConfig(tenants: Readonly<Record<string, object>>): LimitConfig {
  return {
    models: {
      small: v.parse(model, {
        targets: [
          { provider: 'main', model: 'm' },
          { provider: 'main', model: 'org/m:1' },
        ],
      }),
      large: v.parse(model, {
        rules: [{ when: { class: 'batch' }, targets: [{ provider: 'main', model: 'large' }] }],
        targets: [{ provider: 'other', model: 'elsewhere' }],
      }),
    },
    tenants: Object.fromEntries(
      Object.entries(tenants).map(([name, keys]) => [name, v.parse(tenantKeys, keys)]),
    ),
  }
}
