import type { Command, OptionTable } from './command.ts'

const settings: OptionTable = {
  settings: {
    value: 'FILE',
    about: 'injection settings; those of ConfigMap outrigger-inject unless given',
  },
}

/** Every command, in the order of help. What a command needs is loaded when it runs. */
export const commands: readonly Command[] = [
  {
    name: 'inject',
    operands: 'FILE|-',
    summary: 'write the sidecar into a manifest, as the webhook would',
    about: `
Writes the sidecar into every pod and pod template of a manifest (YAML or JSON, many documents) and
prints the manifest in the form it came in: documents keep their order, those without pods their
bytes, changed ones their comments where that is possible (where anchors are used they are lost).
Pods that say outrigger.dev/inject: "false" are left alone. Where one pod is refused, nothing is
printed. With --settings no cluster is asked. The webhook leaves such pods as they are.`,
    options: settings,
    example: 'outrigger inject deploy.yaml | kubectl apply -f -',
    load: async () => (await import('./manifests/inject.ts')).inject,
  },
  {
    name: 'uninject',
    operands: 'FILE|-',
    summary: 'take the sidecar out of a manifest again',
    about: `
The inverse of inject: every pod and pod template of the manifest as it was before. Asks no cluster.`,
    options: {},
    example: 'kubectl get deployment web -o yaml | outrigger uninject - | kubectl apply -f -',
    load: async () => (await import('./manifests/uninject.ts')).uninject,
  },
  {
    name: 'explain pod',
    operands: '[NAME]',
    summary: 'rule by rule, why a pod gets a sidecar or not',
    about: `
Judges a pod of the cluster, or the first pod or template of a file, by the rules of the webhook, and
says what it would do and why. Exit code 1 where it would refuse the pod.`,
    options: {
      ...settings,
      filename: { value: 'FILE', about: 'a manifest instead of a pod of the cluster; - is stdin' },
    },
    example: 'outrigger explain pod web-7d9f6c-x2x9q --namespace search',
    load: async () => (await import('./pods/explain.ts')).explain,
  },
  {
    name: 'explain call',
    operands: 'ID',
    summary: 'why a call went to its replica, and what the others would have cost',
    about: `
Tells of a call to a vLLM pool, by the id of its answer's header x-outrigger-call, which replica it was
given and why: what each would have cost, in milliseconds and term by term, which had room, how long
the call was held and what for, and what came of it. Asks the ambassadors of this machine, or the one
at --admin, and where none answers those of the cluster, one pod after another: their admin
ports are on no network, so that it takes kubectl and the right to port-forward. Each remembers its
last 1,024 decisions, and no prompt.`,
    options: {
      admin: {
        value: 'HOST:PORT',
        about: "an ambassador's admin port; 4102, 4112 and so on of this machine unless given",
      },
    },
    example: 'outrigger explain call 0199f3a2-6c1e-7b5d-9a40-1f2e3d4c5b6a',
    load: async () => (await import('./calls/explain-call.ts')).explainCall,
  },
  {
    name: 'diff',
    operands: '',
    summary: 'pods whose sidecar is of an older template, and what differs',
    about: `
Compares the sidecars of running pods with what would be written in today, by owner. Sidecars change
when pods are made anew: the last column says how. Exit code 1 where there are any.`,
    options: settings,
    example: 'outrigger diff --namespace search',
    load: async () => (await import('./pods/diff.ts')).diff,
  },
  {
    name: 'config check',
    operands: 'FILE|-',
    summary: 'every mistake of a configuration, with its line',
    about: `
Reads the platform's configuration as the processes do, and names everything that is wrong with it.
With --tenant also what would be ignored of a tenant's own part. Asks no cluster. Exit code 1 where
anything was found.`,
    options: { tenant: { value: 'FILE', about: "a tenant's own part, laid over FILE" } },
    example: 'outrigger config check outrigger.yaml --tenant team.yaml',
    load: async () => (await import('./config/check.ts')).checkConfig,
  },
  {
    name: 'config diff',
    operands: '[FILE|-]',
    summary: 'what a file would change, or which namespaces hold something older',
    about: `
With FILE: key by key, what it says otherwise than ConfigMap outrigger. Without: what the ConfigMaps
outrigger-sidecar of the namespaces hold otherwise than it gives. Exit code 1 where anything differs.`,
    options: {},
    example: 'outrigger config diff outrigger.yaml',
    load: async () => (await import('./config/diff.ts')).diffConfig,
  },
  {
    name: 'config status',
    operands: '',
    summary: 'which pods run the configuration, who is behind and why',
    about: `
Compares the pods with a sidecar with what the ambassadors have heard from them. An idle sidecar tells
of itself once a minute. With --wait until all run it; exit code 1 where some do not.`,
    options: {
      wait: { about: 'until every pod runs it, or the time is over' },
      timeout: { value: '5m', about: 'longest wait: 90s, 5m, 1h; 5m unless given' },
    },
    example: 'outrigger config push --now outrigger.yaml && outrigger config status --wait',
    load: async () => (await import('./config/status.ts')).configStatus,
  },
  {
    name: 'config push',
    operands: '[FILE|-]',
    summary: 'apply a configuration, and have pods take it at once',
    about: `
Checks FILE and writes it to ConfigMap outrigger, if it is given. With --now, once the namespaces hold
the result, writes an annotation on the pods with a sidecar and on the ambassadors, with your rights:
their kubelets then look at once, instead of within 90 seconds. Restarts nothing.`,
    options: { now: { about: 'do not wait for the kubelets to look by themselves' } },
    example: 'outrigger config push --now outrigger.yaml',
    load: async () => (await import('./config/push.ts')).pushConfig,
  },
  {
    name: 'status',
    operands: '',
    summary: 'components, and sidecars by namespace, version and configuration',
    about:
      'What runs, in which version, until when its certificates hold. Judges nothing: see check.',
    options: {},
    example: 'outrigger status --output json',
    load: async () => (await import('./status/status.ts')).status,
  },
  {
    name: 'check',
    operands: '',
    summary: 'everything that can be wrong with an installation, and its remedy',
    about: `
Looks at the cluster, your rights, webhook, backstop, controller, certificates, configuration,
ambassadors, identity, sidecars and network. Each line is ok, warn or fail; what is not ok comes with
what to do. Changes nothing: the pod that it creates,
in --namespace or the context's, is a dry run. Exit code 1 where something failed.`,
    options: { pre: { about: 'before the installation: whether the cluster can have it' } },
    example: 'outrigger check --pre && helm install outrigger … && outrigger check',
    load: async () => (await import('./check/check.ts')).check,
  },
]
