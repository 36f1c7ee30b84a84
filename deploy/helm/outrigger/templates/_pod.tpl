{{/* Members of a pod's spec that all three kinds have alike. Of `root` and `settings`. */}}
{{- define "outrigger.pod" -}}
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  fsGroup: 65532
  runAsGroup: 65532
  runAsNonRoot: true
  runAsUser: 65532
  seccompProfile: { type: RuntimeDefault }
{{- with .settings.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .settings.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .settings.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Members of a container that all three kinds have alike. Of `root`, `process` and `settings`. */}}
{{- define "outrigger.container" -}}
image: {{ include "outrigger.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
command: {{ index (.root.Files.Get "generated/commands.yaml" | fromYaml) .process | toJson }}
resources: {{ toYaml .settings.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  capabilities: { drop: [ALL] }
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  seccompProfile: { type: RuntimeDefault }
terminationMessagePolicy: FallbackToLogsOnError
{{- end }}

{{/* A node that starts many pods is slow: 30 s. Dead after a minute, unready after 10 s. */}}
{{- define "outrigger.probes" -}}
startupProbe:
  httpGet: { path: /startupz, port: probes }
  periodSeconds: 1
  timeoutSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet: { path: /livez, port: probes }
  periodSeconds: 10
  timeoutSeconds: 2
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: probes }
  periodSeconds: 5
  timeoutSeconds: 2
  failureThreshold: 2
{{- end }}

{{/* Outside of meshes: the API server calls the webhook, and both call nothing but the API server. */}}
{{- define "outrigger.unmeshed" -}}
linkerd.io/inject: disabled
sidecar.istio.io/inject: 'false'
{{- end }}

{{/* Rather not two on one node. Of `component`. */}}
{{- define "outrigger.apart" -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels: {{ include "outrigger.selector" . | nindent 12 }}
{{- end }}
