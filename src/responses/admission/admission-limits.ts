/** The limits that admission enforces, from the configuration. */
import type { Config } from "../../config/config.ts";
import type { ProjectLimits } from "../../store/organization/project-limits.ts";

/** `Retry-After` if the queue, a project's share or its streams are full. */
export const FULL_RETRY_SECONDS = 5;

export interface AdmissionLimits {
  /** Maximum size of the items that a request's references name. */
  maxBodyBytes: number;
  /** Maximum size of the files that a request's items name by id. */
  maxInputFileBytes: number;
  maxOpenResponses: number;
  /** 0 = unlimited. */
  maxOpenPerProject: number;
  /** 0 = unlimited. */
  maxStoredBytesPerProject: number;
  /** 0 = unlimited. */
  maxRequestsPerMinute: number;
  /** 0 = unlimited. */
  maxTokensPerMinute: number;
  retentionSeconds: number;
  unstoredRetentionSeconds: number;
  deadlineSeconds: number;
  /** Time before the end of its completion window at which a response must start. */
  windowReserveSeconds: number;
  /** Maximum time that a response of the flex tier waits behind others. */
  flexMaxWaitSeconds: number;
}

export function admissionLimitsOf(config: Config): AdmissionLimits {
  return {
    maxBodyBytes: config.MAX_BODY_BYTES,
    maxInputFileBytes: config.MAX_INPUT_FILE_BYTES,
    maxOpenResponses: config.MAX_OPEN_RESPONSES,
    maxOpenPerProject: config.RATE_LIMIT_OPEN_RESPONSES_PER_PROJECT,
    maxStoredBytesPerProject: config.MAX_STORED_BYTES_PER_PROJECT,
    maxRequestsPerMinute: config.RATE_LIMIT_REQUESTS_PER_MINUTE,
    maxTokensPerMinute: config.RATE_LIMIT_TOKENS_PER_MINUTE,
    retentionSeconds: config.RETENTION_SECONDS,
    unstoredRetentionSeconds: config.UNSTORED_RETENTION_SECONDS,
    deadlineSeconds: config.RESPONSE_DEADLINE_SECONDS,
    windowReserveSeconds: config.COMPLETION_WINDOW_RESERVE_SECONDS,
    flexMaxWaitSeconds: config.FLEX_MAX_WAIT_SECONDS,
  };
}

/** The limits of a project for which no admin has set others. */
export function projectLimitsOf(limits: AdmissionLimits): ProjectLimits {
  return {
    maxOpen: limits.maxOpenPerProject,
    maxStoredBytes: limits.maxStoredBytesPerProject,
    maxRequestsPerMinute: limits.maxRequestsPerMinute,
    maxTokensPerMinute: limits.maxTokensPerMinute,
  };
}
