const error = { severity: 'error' }

export default {
  forbidden: [
    {
      ...error,
      name: 'shared-is-a-leaf',
      from: { path: '^shared/' },
      to: { path: '^(ambassador|sidecar|deploy|test)/' },
    },
    {
      ...error,
      name: 'halves-do-not-touch',
      from: { path: '^(ambassador|sidecar)/' },
      to: { path: '^(ambassador|sidecar|deploy)/', pathNot: '^$1/' },
    },
    {
      ...error,
      name: 'no-test-in-product',
      from: { path: '^(ambassador|sidecar|shared|deploy)/' },
      to: { path: '^test/' },
    },
    {
      ...error,
      name: 'no-cycles',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    ...[
      ['@kubernetes/client-node', '^deploy/cli/cluster/kubeconfig\\.ts$'],
      ['jose', '^ambassador/identity/jose\\.ts$'],
      ['@peculiar/x509', '^deploy/certificates/x509\\.ts$'],
      ['undici', '^shared/http/(connections|exchange)\\.ts$'],
      ['@pydantic/genai-prices', '^ambassador/prices/published-prices\\.ts$'],
      ['opossum', '^ambassador/breaker/circuit\\.ts$'],
      ['chokidar', '^shared/config/watch\\.ts$'],
      ['pino', '^shared/telemetry/access-log\\.ts$'],
      [
        '@opentelemetry',
        '^(shared/telemetry/otel-(bridge|deferral|export|metrics)|(sidecar|ambassador)/telemetry/otel)\\.ts$',
      ],
    ].map(([name, home]) => ({
      ...error,
      name: `one-home-for-${name}`,
      from: { path: '^(ambassador|sidecar|shared|deploy)/', pathNot: home },
      to: { path: `node_modules/${name}` },
    })),
  ],
  options: {
    tsPreCompilationDeps: true,
    parser: 'swc',
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
  },
}
