{{- define "job.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "job.labels" -}}
{{ include "job.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "job.pod" -}}
restartPolicy: Never
containers:
  - name: job
    image: "{{ .Values.image }}:{{ .Chart.AppVersion }}"
    command:
      {{- toYaml (required "set a command" .Values.command) | nindent 6 }}
    {{- with .Values.config }}
    env:
      {{- range $name, $value := . }}
      - name: {{ $name }}
        value: {{ $value | quote }}
      {{- end }}
    {{- end }}
{{- end }}
