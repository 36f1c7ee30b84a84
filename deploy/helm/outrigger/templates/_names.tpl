{{/* Labels by which objects of one component are found. Of `component` and, where it has one, `provider`. */}}
{{- define "outrigger.selector" -}}
app.kubernetes.io/name: outrigger
app.kubernetes.io/component: {{ .component }}
{{- with .provider }}
outrigger.dev/provider: {{ . }}
{{- end }}
{{- end }}

{{/* The same, and what else is of use to people. No chart's version: it would change every object. */}}
{{- define "outrigger.labels" -}}
{{ include "outrigger.selector" . }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- define "outrigger.image" -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- end }}

{{/* The configuration as JSON; of an empty one {}. */}}
{{- define "outrigger.config" -}}
{{- if kindIs "string" .Values.config | not }}
{{- .Values.config | default dict | toJson }}
{{- else }}
{{- $parsed := fromYaml .Values.config }}
{{- with $parsed.Error }}{{ fail (printf "config is not YAML: %s" .) }}{{ end }}
{{- toJson $parsed }}
{{- end }}
{{- end }}

{{/* Settings of one ambassador as JSON: what holds for all, under its own. */}}
{{- define "outrigger.ambassador" -}}
{{- mergeOverwrite (deepCopy .root.Values.ambassador) (deepCopy (.settings | default dict)) | toJson }}
{{- end }}

{{/* Whole seconds of a duration such as 500ms, 5s, 2m or 1h, rounded up. */}}
{{- define "outrigger.seconds" -}}
{{- $text := toString . }}
{{- $number := regexFind "^[0-9]+" $text | int }}
{{- if hasSuffix "ms" $text }}{{ div (add $number 999) 1000 }}
{{- else if hasSuffix "m" $text }}{{ mul $number 60 }}
{{- else if hasSuffix "h" $text }}{{ mul $number 3600 }}
{{- else }}{{ $number }}
{{- end }}
{{- end }}

{{/* Port of a URL. */}}
{{- define "outrigger.port" -}}
{{- $parts := urlParse . }}
{{- $port := regexFind ":[0-9]+$" $parts.host | trimPrefix ":" }}
{{- if $port }}{{ $port }}{{ else if eq $parts.scheme "http" }}80{{ else }}443{{ end }}
{{- end }}
