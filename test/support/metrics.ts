/** Scrapes of `/metrics`, read as Prometheus reads them. */

export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

export class Scrape {
  readonly text: string;
  readonly samples: readonly Sample[];

  constructor(text: string) {
    this.text = text;
    this.samples = text.split("\n").flatMap((line) => (line === "" || line.startsWith("#") ? [] : [parseSample(line)]));
  }

  /** Every name that a sample can have, even if there is none yet. */
  get metricNames(): string[] {
    return [...this.text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) =>
      type === "histogram" ? ["bucket", "sum", "count"].map((part) => `${name}_${part}`) : [name!],
    );
  }

  /** Samples with these labels among theirs. The prefix of this server's metrics is left out. */
  find(name: string, labels: Readonly<Record<string, string>> = {}): Sample[] {
    const wanted = Object.entries(labels);
    return this.samples.filter(
      (sample) =>
        sample.name === `background_responses_${name}` &&
        wanted.every(([label, value]) => sample.labels[label] === value),
    );
  }

  /** The sum of these samples; 0 if there are none. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.find(name, labels).reduce((sum, { value }) => sum + value, 0);
  }

  /** Every value that the label has. */
  valuesOf(name: string, label: string): string[] {
    return [...new Set(this.find(name).map(({ labels }) => labels[label] ?? ""))].toSorted();
  }
}

export async function scrape(url: string, token?: string): Promise<Scrape> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await fetch(`${url}/metrics`, { headers });
  if (answer.status !== 200) throw new Error(`The scrape was answered by ${answer.status}.`);
  return new Scrape(await answer.text());
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)/gy;

function parseSample(line: string): Sample {
  const [, name, list = "", value] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`Not a sample: ${line}`);
  const matches = [...list.matchAll(LABEL)];
  if (matches.map(([whole]) => whole).join("") !== list) throw new Error(`Not a list of labels: ${list}`);
  const labels = Object.fromEntries(matches.map(([, label, text]) => [label!, text!]));
  return { name, labels, value: Number(value) };
}
