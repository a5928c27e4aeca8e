import type { HistogramSample, MetricFamily, MetricLabels } from '@odradek/broker';

/** The media type of what `renderPrometheus` gives. */
export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8';

/** Prometheus' text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function renderPrometheus(families: readonly MetricFamily[]): string {
  let text = '';
  for (const family of families) {
    text += `# HELP ${family.name} ${escapeHelp(family.help)}\n# TYPE ${family.name} ${family.type}\n`;
    if (family.type === 'histogram')
      for (const sample of family.samples) text += renderHistogram(family.name, sample);
    else
      for (const { labels, value } of family.samples)
        text += line(family.name, renderLabels(labels), value);
  }
  return text;
}

/** Buckets are told cumulated, the last of them is infinity's and equals the count. */
function renderHistogram(
  name: string,
  { labels, upperBounds, counts, sum }: HistogramSample,
): string {
  if (counts.length !== upperBounds.length + 1)
    throw new Error(
      `${name} has ${upperBounds.length} bounds and ${counts.length} counts; it needs one count more than bounds.`,
    );
  let text = '';
  let cumulated = 0;
  counts.forEach((count, index) => {
    cumulated += count;
    text += line(
      `${name}_bucket`,
      renderLabels(labels, formatNumber(upperBounds[index] ?? Infinity)),
      cumulated,
    );
  });
  const own = renderLabels(labels);
  return text + line(`${name}_sum`, own, sum) + line(`${name}_count`, own, cumulated);
}

function line(name: string, labels: string, value: number): string {
  return `${name}${labels} ${formatNumber(value)}\n`;
}

function renderLabels(labels: MetricLabels, upperBound?: string): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`);
  if (upperBound !== undefined) pairs.push(`le="${upperBound}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function formatNumber(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
