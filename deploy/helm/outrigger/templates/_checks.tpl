{{/* Refuses what would be installed and could not work, with the value to write instead. */}}
{{- define "outrigger.checks" -}}
{{- $config := include "outrigger.config" . | fromJson }}
{{- $providers := $config.providers | default dict }}
{{- if $config }}
{{- range $name, $_ := $providers }}
{{- if not (hasKey $.Values.providers $name) }}
{{- fail (printf "config.providers.%s has no ambassador; add providers: { %s: {} }" $name $name) }}
{{- end }}
{{- end }}
{{- range $name, $_ := .Values.providers }}
{{- if not (hasKey $providers $name) }}
{{- fail (printf "providers.%s has no counterpart in config.providers: its ambassador would never be ready" $name) }}
{{- end }}
{{- end }}
{{- $kind := dig "ambassador" "identity" "kind" "open" $config }}
{{- if eq $kind "open" }}
{{- fail "config.ambassador.identity is open, which an ambassador refuses on a network; write identity: { kind: kubernetes }" }}
{{- end }}
{{- if ne .Release.Namespace "outrigger-system" }}
{{- range $name, $provider := $providers }}
{{- if not $provider.address }}
{{- fail (printf "config.providers.%s needs address: 'ambassador-%s.%s:4100', since the namespace is not outrigger-system" $name $name $.Release.Namespace) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- range $name, $own := .Values.providers }}
{{- $settings := include "outrigger.ambassador" (dict "root" $ "settings" $own) | fromJson }}
{{- if $settings.journal.volume.persistentVolumeClaim }}
{{- if or $settings.hpa.enabled (gt (int $settings.replicas) 1) }}
{{- fail (printf "providers.%s.journal names one claim for several pods; set replicas: 1 without hpa, or take { emptyDir: {} }" $name) }}
{{- end }}
{{- end }}
{{- if gt (int $settings.hpa.min) (int $settings.hpa.max) }}
{{- fail (printf "providers.%s.hpa.min is above its max" $name) }}
{{- end }}
{{- end }}
{{- end }}
