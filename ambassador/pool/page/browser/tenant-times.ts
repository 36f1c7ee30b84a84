import type { TenantView } from '../../fairness/tenant-views.ts'
import type { PageData } from '../page-data.ts'
import { find, make, type Row, rowsIn, say } from './elements.ts'
import { duration } from './words.ts'

// Runs in browsers, as ../script.ts says: nothing of Node, no constant outside of a function.

/** Draws what tenants have had of the replicas' time; nothing where the policy does not count it. */
export function tenantTimes(): (data: PageData) => void {
  const draw = rowsIn<TenantView>(find('times'), {
    keyOf: ({ class: name, tenant }) => `${name} ${tenant}`,
    makeRow: timeRow,
  })
  return ({ tenants }) => {
    draw(tenants)
    find('times-card').hidden = tenants.length === 0
  }
}

export function timeRow(): Row<TenantView> {
  const node = make('tr')
  const name = make('th', 'name')
  name.setAttribute('scope', 'row')
  const [group, weight, had, ahead] = [
    make('td'),
    make('td', 'number'),
    make('td', 'number'),
    make('td', 'number'),
  ]
  node.append(name, group, weight, had, ahead)
  return {
    node,
    fill(tenant) {
      say(name, tenant.tenant)
      say(group, tenant.class)
      say(weight, String(tenant.weight))
      say(had, duration(tenant.gpuMs))
      say(ahead, duration(tenant.aheadMs))
    },
  }
}
