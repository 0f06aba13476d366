/**
 * The keys of this server in Redis. All keys of one response share the hash tag `{response id}`, so that one script may
 * use them all in Redis Cluster; the in-flight set and the idempotency keys live elsewhere. Paths below are relative to
 * `src/`.
 *
 *   <prefix>:{<id>}:meta      hash    owner, status, lease, last sequence number (store/response-record.ts), and what the run
 *                             knows of itself (store/run-facts.ts)
 *   <prefix>:{<id>}:events    stream  entry `<sequence_number>-1`, field `d` = the event's JSON; some also have a time in
 *                             the field `t`: milliseconds since the response was accepted (stream/log/append-scripts.ts)
 *   <prefix>:{<id>}:snapshot  string  a fold of the log up to some sequence number
 *   <prefix>:{<id>}:request   string  the nearest links of its chain, and the request without its input
 *   <prefix>:{<id>}:input     string  the input items, each with its id
 *   <prefix>:{<id>}:input-index  zset offsets of the items in a long input, by id (store/input-pages.ts)
 *   <prefix>:{<id>}:staged:<attempt>:<part>  parts of a large record until it is complete (store/staged-record.ts)
 *   <prefix>:{<id>}:calls     hash    its tool calls and their results (store/tool-journal.ts)
 *   <prefix>:{<id>}:bell      channel notifications "has reached N"
 *   <prefix>:{<conv id>}:conversation  hash  owner, metadata, current writer (store/conversations.ts)
 *   <prefix>:{<conv id>}:order         zset  item ids in order
 *   <prefix>:{<conv id>}:items         hash  items by id
 *   <prefix>:{<conv id>}:item-calls    hash  per call, the number of items that make or answer it (store/conversation-calls.ts)
 *   <prefix>:{<conv id>}:unanswered    zset  ids of its unanswered calls
 *   <prefix>:{<conv id>}:staged-order  zset  ids of a long turn being added; `staged-marks`: its calls
 *   <prefix>:{<store id>}:index            hash  revision and sums of a vector store's index (store/search-index/)
 *   <prefix>:{<store id>}:index-files      hash  its files: generation and size of their contents, by id
 *   <prefix>:{<store id>}:index-attributes hash  their attributes as JSON
 *   <prefix>:{<store id>}:index-changes    zset  their ids, by the revision of their last change
 *   <prefix>:{<store id>}:index-removals   zset  ids of removed files, by revision
 *   <prefix>:{<store id>}:index-contents:<file id>:<generation>  hash  words, vectors and texts, in blocks
 *   <prefix>:{embeddings:<hex digit>}:vectors  hash  kept embeddings by the hash of model and text (store/embedding-cache.ts)
 *   <prefix>:{embeddings:<hex digit>}:times    zset  their hashes, by the time at which they were made
 *   <prefix>:{<container id>}:container  hash  owner, cells and files (store/containers.ts)
 *   <prefix>:containers:<project>        zset  ids of its containers, by creation time
 *   <prefix>:open             zset    ids of responses in flight, by acceptance time
 *   {<prefix>:open}:of:<project>  zset   those of one project, where limited; in the slot of the whole set
 *   {<prefix>:open}:projects      set    projects that have such a set
 *   {<prefix>:open}:stored        hash   stored bytes per project (store/stored-bytes.ts)
 *   {<prefix>:open}:stored:<project>:sizes     hash  stored bytes per response, conversation and container
 *   {<prefix>:open}:stored:<project>:expiries  zset  the same ids, by the time at which they stop counting
 *   {<prefix>:open}:responses:<kind>:<project>      index of the responses that a project can list, and
 *   {<prefix>:open}:conversations:<kind>:<project>  of its conversations (store/lists/list-scripts.ts)
 *   {<prefix>:open}:files:<kind>:<project>          of its files (store/files/file-records.ts)
 *   {<prefix>:open}:file:<id>       hash  a file: owner, properties, keys of its blobs
 *   {<prefix>:open}:file-expiries   zset  ids of files that expire, by the time of expiry
 *   {<prefix>:open}:upload:<id>     hash  an upload in parts (store/files/upload-records.ts); `:parts`: its parts by id
 *   {<prefix>:open}:upload-expiries zset  ids of pending uploads, by the time of expiry
 *   {<prefix>:open}:blobs:pending   zset  keys of blobs whose bytes are arriving, by the time until which they may
 *   {<prefix>:open}:blobs:condemned zset  keys of blobs to delete, by the time from which (store/files/blob-custody.ts)
 *   {<prefix>:open}:organization:…  projects, keys, limits, usage and the audit log (redis/organization-layout.ts)
 *   {<prefix>:open}:webhook-endpoints:<project>  hash  its webhook endpoints, by id (store/webhook-endpoints.ts)
 *   {<prefix>:open}:webhook-outbox  zset  ended responses whose events are not queued yet (store/webhook-outbox.ts)
 *   <prefix>:{<endpoint id>}:pending     zset    keys of its events in the queue, by the time until which they are tried
 *   <prefix>:{<endpoint id>}:failing     string  the time since which every try failed (store/webhook-deliveries.ts)
 *   <prefix>:{<endpoint id>}:deliveries  stream  its recent tries
 *   <prefix>:windowed         zset    ids with a completion window or of the flex tier, by latest start (store/windowed-responses.ts)
 *   <prefix>:{continuation:<digest>}:waiting  zset    waiting ids with one `continuation_id`, by latest start
 *   <prefix>:{continuation:<digest>}:warm     zset    running or recent ids, by the time until which they count
 *   <prefix>:{continuation:<digest>}:row      string  number of ids brought forward in a row (store/continuations.ts)
 *   <prefix>:idempotency:<hash of project and key>
 *   <prefix>:item:<project>:<item id>  string  the responses and conversations that contain the item
 *   <prefix>:upstream-responses  zset  remote runs that are not cleaned up yet (store/remote-run-registry.ts)
 *   <prefix>:control          channel orders to workers
 *   {<prefix>:workers}:details        hash  what live workers announce, by name (store/worker-registry.ts)
 *   {<prefix>:workers}:of:<queue>     zset  names of its live workers, by the time until which they count
 *   <prefix>:sweeper          string  the worker that sweeps
 *   <prefix>:sealing-key      string  the encryption key, if none is configured (sealing/open-sealer.ts)
 *   <prefix>:data-version     string  the format of all this data (redis/data-version.ts)
 *   <prefix>:replica-probe    string  written before WAIT, and to test whether Redis accepts writes
 *   <prefix>:write-probe      string  written at start, to test whether Redis accepts writes
 */
import { OrganizationLayout } from "./organization-layout.ts";

/** Entry ids are `<n>-1` because `0-0` is not a legal id; the second number is constant. */
export const ENTRY_SUFFIX = "-1";
export const ENTRY_FIELD = "d";
/** Always the second field: readers take the event from the first. */
export const TIME_FIELD = "t";

export class RedisLayout {
  readonly prefix: string;
  /** In Redis Cluster a plain PUBLISH reaches every node; SPUBLISH stays on the response's own shard. */
  readonly sharded: boolean;
  #organization: OrganizationLayout | undefined;

  constructor(prefix: string, options: { sharded: boolean }) {
    this.prefix = prefix;
    this.sharded = options.sharded;
  }

  get notifyCommand(): "PUBLISH" | "SPUBLISH" {
    return this.sharded ? "SPUBLISH" : "PUBLISH";
  }

  meta = (id: string): string => `${this.prefix}:{${id}}:meta`;
  events = (id: string): string => `${this.prefix}:{${id}}:events`;
  snapshot = (id: string): string => `${this.prefix}:{${id}}:snapshot`;
  request = (id: string): string => `${this.prefix}:{${id}}:request`;
  input = (id: string): string => `${this.prefix}:{${id}}:input`;
  inputIndex = (id: string): string => `${this.prefix}:{${id}}:input-index`;
  calls = (id: string): string => `${this.prefix}:{${id}}:calls`;
  notificationChannel = (id: string): string => `${this.prefix}:{${id}}:bell`;

  /** All keys of a response, in the order of the scripts' KEYS. */
  keysOf = (
    id: string,
  ): [meta: string, events: string, snapshot: string, request: string, input: string, calls: string, index: string] => [
    this.meta(id),
    this.events(id),
    this.snapshot(id),
    this.request(id),
    this.input(id),
    this.calls(id),
    this.inputIndex(id),
  ];

  /** Keys of a record's parts while it is being staged. `attempt` identifies the writer. */
  stagedKeysOf = (
    id: string,
    attempt: string,
  ): [events: string, request: string, input: string, inputIndex: string] => {
    const staged = `${this.prefix}:{${id}}:staged:${attempt}`;
    return [`${staged}:events`, `${staged}:request`, `${staged}:input`, `${staged}:input-index`];
  };

  /** The keys of a store's index in the order of the scripts' KEYS. The last is the beginning of `indexContents`. */
  indexKeysOf = (
    storeId: string,
  ): [index: string, files: string, attributes: string, changes: string, removals: string, contents: string] => {
    const index = `${this.prefix}:{${storeId}}:index`;
    return [
      index,
      `${index}-files`,
      `${index}-attributes`,
      `${index}-changes`,
      `${index}-removals`,
      `${index}-contents`,
    ];
  };
  indexContents = (storeId: string, fileId: string, generation: string): string =>
    `${this.prefix}:{${storeId}}:index-contents:${fileId}:${generation}`;

  embeddingShard = (digit: string): [vectors: string, times: string] => {
    const tag = `${this.prefix}:{embeddings:${digit}}`;
    return [`${tag}:vectors`, `${tag}:times`];
  };

  container = (id: string): string => `${this.prefix}:{${id}}:container`;
  containersOf = (project: string): string => `${this.prefix}:containers:${project}`;

  conversation = (id: string): string => `${this.prefix}:{${id}}:conversation`;
  conversationOrder = (id: string): string => `${this.prefix}:{${id}}:order`;
  conversationItems = (id: string): string => `${this.prefix}:{${id}}:items`;

  conversationCalls = (id: string): string => `${this.prefix}:{${id}}:item-calls`;
  conversationUnanswered = (id: string): string => `${this.prefix}:{${id}}:unanswered`;

  /** All keys of a conversation, in the order of the scripts' KEYS. */
  conversationKeysOf = (
    id: string,
  ): [conversation: string, order: string, items: string, calls: string, unanswered: string] => [
    this.conversation(id),
    this.conversationOrder(id),
    this.conversationItems(id),
    this.conversationCalls(id),
    this.conversationUnanswered(id),
  ];

  /** Keys of a long turn of a conversation while it is being staged. */
  stagedItemKeysOf = (id: string): [order: string, marks: string] => [
    `${this.prefix}:{${id}}:staged-order`,
    `${this.prefix}:{${id}}:staged-marks`,
  ];

  get inFlight(): string {
    return `${this.prefix}:open`;
  }

  inFlightOf = (project: string): string => `{${this.inFlight}}:of:${project}`;

  get inFlightProjects(): string {
    return `{${this.inFlight}}:projects`;
  }

  get storedSums(): string {
    return `{${this.inFlight}}:stored`;
  }

  storedBytes = (project: string): [sums: string, sizes: string, expiries: string] => {
    const { storedSums } = this;
    return [storedSums, `${storedSums}:${project}:sizes`, `${storedSums}:${project}:expiries`];
  };

  /** The root of the keys of an index. */
  get responseList(): string {
    return `{${this.inFlight}}:responses`;
  }

  get conversationList(): string {
    return `{${this.inFlight}}:conversations`;
  }

  get fileList(): string {
    return `{${this.inFlight}}:files`;
  }

  file = (id: string): string => `{${this.inFlight}}:file:${id}`;

  get fileExpiries(): string {
    return `{${this.inFlight}}:file-expiries`;
  }

  upload = (id: string): [upload: string, parts: string] => {
    const upload = `{${this.inFlight}}:upload:${id}`;
    return [upload, `${upload}:parts`];
  };

  get uploadExpiries(): string {
    return `{${this.inFlight}}:upload-expiries`;
  }

  get blobs(): [pending: string, condemned: string] {
    const root = `{${this.inFlight}}:blobs`;
    return [`${root}:pending`, `${root}:condemned`];
  }

  get organization(): OrganizationLayout {
    return (this.#organization ??= new OrganizationLayout(`{${this.inFlight}}`));
  }

  webhookEndpointsOf = (project: string): string => `{${this.inFlight}}:webhook-endpoints:${project}`;

  get webhookOutbox(): string {
    return `{${this.inFlight}}:webhook-outbox`;
  }

  webhookPending = (endpointId: string): string => `${this.prefix}:{${endpointId}}:pending`;
  webhookFailing = (endpointId: string): string => `${this.prefix}:{${endpointId}}:failing`;
  webhookDeliveries = (endpointId: string): string => `${this.prefix}:{${endpointId}}:deliveries`;

  get windowed(): string {
    return `${this.prefix}:windowed`;
  }

  continuation = (digest: string): [waiting: string, warm: string, row: string] => {
    const tag = `${this.prefix}:{continuation:${digest}}`;
    return [`${tag}:waiting`, `${tag}:warm`, `${tag}:row`];
  };

  get remoteRunRegistry(): string {
    return `${this.prefix}:upstream-responses`;
  }

  get workerControl(): string {
    return `${this.prefix}:control`;
  }

  get workers(): string {
    return `{${this.prefix}:workers}:details`;
  }

  workersOf = (queue: string): string => `{${this.prefix}:workers}:of:${queue}`;

  get sweeperLock(): string {
    return `${this.prefix}:sweeper`;
  }

  get sealingKey(): string {
    return `${this.prefix}:sealing-key`;
  }

  get dataVersion(): string {
    return `${this.prefix}:data-version`;
  }

  get writeProbe(): string {
    return `${this.prefix}:write-probe`;
  }

  get replicaProbe(): string {
    return `${this.prefix}:replica-probe`;
  }

  itemIndex = (project: string, itemId: string): string => `${this.prefix}:item:${project}:${itemId}`;
  idempotency = (hash: string): string => `${this.prefix}:idempotency:${hash}`;

  /** Patterns that match exactly the keys of this installation, for a program that erases it. */
  get patterns(): string[] {
    const beginnings = [this.prefix, this.queuePrefix, `{${this.inFlight}}`, `{${this.prefix}:workers}`];
    return beginnings.map((beginning) => `${escapeGlob(beginning)}:*`);
  }

  /** BullMQ needs its own hash tag in Redis Cluster. */
  get queuePrefix(): string {
    return `{${this.prefix}:queue}`;
  }
}

/** Escapes the special characters of Redis patterns. */
const escapeGlob = (text: string): string => text.replaceAll(/[*?[\]\\]/g, String.raw`\$&`);
