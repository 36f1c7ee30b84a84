{{/*
Whether a URL leads inside: without TLS, or to a name of one label, a cluster's or private name, or a
private address.
*/}}
{{- define "outrigger.isInside" -}}
{{- $url := urlParse . }}
{{- $host := regexReplaceAll ":[0-9]+$" $url.host "" }}
{{- if or (eq $url.scheme "http") (not (contains "." $host)) (regexMatch "(\\.svc|\\.local|\\.internal)$" $host) (regexMatch "^(10|127|192\\.168|172\\.(1[6-9]|2[0-9]|3[01]))\\." $host) }}yes{{ end }}
{{- end }}

{{/*
What an ambassador calls, as JSON { inside: [port], outside: [{ host, port }] }. Of `provider` (its
entry in the configuration), `config`, `root` and `settings`.
*/}}
{{- define "outrigger.reach" -}}
{{- $hosts := .root.Files.Get "generated/hosts.yaml" | fromYaml }}
{{- $provider := .provider | default dict }}
{{- $urls := list }}
{{- with dig "replicas" "addresses" list $provider }}{{ $urls = concat $urls . }}{{ end }}
{{- range $provider.credentials }}
{{- with .baseUrl }}{{ $urls = append $urls . }}{{ end }}
{{- if .entra }}{{ $urls = append $urls "https://login.microsoftonline.com" }}{{ end }}
{{- end }}
{{- if $provider.baseUrl }}
{{- $urls = append $urls $provider.baseUrl }}
{{- else }}
{{- with index $hosts.presets ($provider.preset | default "") }}{{ $urls = append $urls . }}{{ end }}
{{- with index $hosts.kinds ($provider.kind | default "") }}{{ $urls = append $urls . }}{{ end }}
{{- end }}
{{- with dig "ambassador" "traces" "endpoint" "" .config }}{{ $urls = append $urls . }}{{ end }}
{{- range .settings.networkPolicy.names }}{{ $urls = append $urls (printf "https://%s" .) }}{{ end }}
{{- $inside := list }}
{{- $outside := list }}
{{- with dig "replicas" "port" "" $provider }}
{{- if not (kindIs "string" .) }}{{ $inside = append $inside (int .) }}{{ end }}
{{- end }}
{{- range uniq $urls }}
{{- $host := (urlParse .).host }}
{{- $port := include "outrigger.port" . | int }}
{{- if include "outrigger.isInside" . }}
{{- $inside = append $inside $port }}
{{- else }}
{{- $outside = append $outside (dict "host" (regexReplaceAll ":[0-9]+$" $host "") "port" $port) }}
{{- end }}
{{- end }}
{{- dict "inside" (uniq $inside | sortAlpha) "outside" $outside | toJson }}
{{- end }}

{{/*
Namespaces as JSON in which an ambassador reads EndpointSlices: that of a pool's Service, written as
name or namespace/name, and those of its settings. Of `provider`, `root` and `settings`.
*/}}
{{- define "outrigger.poolNamespaces" -}}
{{- $namespaces := .settings.poolNamespaces }}
{{- with dig "replicas" "service" "" (.provider | default dict) }}
{{- $own := ternary (splitList "/" . | first) $.root.Release.Namespace (contains "/" .) }}
{{- $namespaces = append $namespaces $own }}
{{- end }}
{{- dict "names" ($namespaces | uniq | sortAlpha) | toJson }}
{{- end }}

{{/* Egress to the API server. */}}
{{- define "outrigger.toApiServer" -}}
- to:
    {{- range .Values.networkPolicy.apiServer.cidrs }}
    - ipBlock: { cidr: {{ . | quote }} }
    {{- end }}
  ports:
    {{- range .Values.networkPolicy.apiServer.ports }}
    - { protocol: TCP, port: {{ . }} }
    {{- end }}
{{- end }}
