import { join } from 'node:path'
import { podNetwork } from '../cluster/namespace.ts'
import { pauseImage } from './images.ts'
import { bridge, podsCgroup, stateDirectory } from './machine.ts'

const under = (name: string) => join(stateDirectory, name)

/** Where each part of the node has what it needs. */
export const paths = {
  socket: under('containerd.sock'),
  containerd: under('containerd.toml'),
  network: under('network'),
  kubelet: under('kubelet'),
  kubeletConfig: under('kubelet.json'),
  kubeconfig: under('kubelet.kubeconfig'),
  podLogs: under('pod-logs'),
  images: under('images'),
  facts: under('node.json'),
} as const

/** The runtime's settings; `programs` is a folder of CNI plugins. */
export function containerdSettings(plugins: string): string {
  return `
version = 2
root = ${JSON.stringify(under('containerd'))}
state = ${JSON.stringify(under('containerd-state'))}
[grpc]
  address = ${JSON.stringify(paths.socket)}
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${JSON.stringify(pauseImage)}
  # Without CAP_SYS_RESOURCE nobody may lower a score.
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = ${JSON.stringify(plugins)}
  conf_dir = ${JSON.stringify(paths.network)}
`
}

/** Pods have addresses of the suite's network, on the bridge that has the node's. */
export function networkSettings(): object {
  return {
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [
      {
        type: 'bridge',
        bridge,
        isGateway: true,
        ipMasq: false,
        ipam: {
          type: 'host-local',
          dataDir: under('addresses'),
          ranges: [[{ subnet: podNetwork }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  }
}

/**
 * Kubelet's defaults, but for its place, the machine's cgroups and what would ask for more of the
 * machine: packet filters, a place among those that memory pressure spares.
 */
export function kubeletSettings(ca: string): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: '127.0.0.1',
    authentication: { anonymous: { enabled: false }, x509: { clientCAFile: ca } },
    cgroupDriver: 'cgroupfs',
    cgroupRoot: podsCgroup(),
    failCgroupV1: false,
    failSwapOn: false,
    oomScoreAdj: 0,
    containerRuntimeEndpoint: `unix://${paths.socket}`,
    podLogsDir: paths.podLogs,
    resolvConf: '',
    makeIPTablesUtilChains: false,
    evictionHard: { 'memory.available': '0%', 'nodefs.available': '0%', 'imagefs.available': '0%' },
    imageGCHighThresholdPercent: 100,
  }
}
