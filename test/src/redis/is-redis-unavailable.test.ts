/** Every message by which a Redis that is away, full, busy or failing over is recognized, copied from its source. */
import { expect, test } from "vitest";
import { isRedisUnavailable } from "../../../src/redis/is-redis-unavailable.ts";

const REPLIES = [
  "LOADING Redis is loading the dataset in memory",
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
  "READONLY You can't write against a read only replica. script: a1, on @user_script:9.",
  "NOREPLICAS Not enough good replicas to write.",
  "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
  "MISCONF Errors writing to the AOF file: No space left on device",
  "OOM command not allowed when used memory > 'maxmemory'. script: a1, on @user_script:9.",
  "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
  "CLUSTERDOWN The cluster is down",
  "CLUSTERDOWN Hash slot not served",
  "TRYAGAIN Multiple keys request during rehashing of slot",
  "MOVED 5461 127.0.0.1:7001",
  "ASK 5461 127.0.0.1:7001",
  "ERR max number of clients reached",
];

const IOREDIS = [
  "Connection is closed.",
  "Connection is aborted",
  "Connection is discarded because a new connection is made",
  "Command aborted due to connection close",
  "Command timed out",
  "connect ETIMEDOUT",
  "Socket timeout. Expecting data, but didn't receive any in 10000ms.",
  "Stream isn't writeable and enableOfflineQueue options is false",
  "Cluster isn't ready and enableOfflineQueue options is false",
  'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.',
  "Too many Cluster redirections. Last error: ReplyError: MOVED 5461 127.0.0.1:7001",
  "Too many Cluster redirections. Last error: Error: Connection is closed.",
  "Failed to refresh slots cache.",
  "None of startup nodes is available",
  "No master node is available for the pipeline",
  "No subscriber for the cluster",
  "Cluster is disconnected.",
  "Cluster is disconnecting.",
  "Cluster is ended.",
  "Node is disconnected",
  "All sentinels are unreachable and retry is disabled. Last error: connect ECONNREFUSED 127.0.0.1:26379",
  "failed to connect to sentinel 127.0.0.1:26379 because Connection is closed.",
  "BullMQ: cluster reconnect timed out after 5000ms",
];

test.each([...REPLIES, ...IOREDIS])("counts as unavailable: %s", (message) => {
  expect(isRedisUnavailable(new Error(message))).toBe(true);
});

test.each([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
])("a socket error with the code %s counts as unavailable", (code) => {
  expect(isRedisUnavailable(Object.assign(new AggregateError([]), { code }))).toBe(true);
});

test.each([
  "ERR wrong number of arguments for 'get' command",
  "WRONGTYPE Operation against a key holding the wrong kind of value",
  "NOSCRIPT No matching script. Please use EVAL.",
  "NOPERM this user has no permissions to run the 'xadd' command",
  "WRONGPASS invalid username-password pair or user is disabled.",
  "CROSSSLOT Keys in request don't hash to the same slot",
  "The model said: the Connection to Redis was LOADING",
  "ASKED for something else",
])("is permanent: %s", (message) => {
  expect(isRedisUnavailable(new Error(message))).toBe(false);
});

test("a value that is not an error is not Redis's", () => {
  expect(isRedisUnavailable("LOADING")).toBe(false);
});
