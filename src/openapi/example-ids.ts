const DIGITS = "0123456789abcdef0123456789abcdef0123456789abcdef01";

export const RESPONSE_ID = `resp_${DIGITS}`;
export const CONVERSATION_ID = `conv_${DIGITS}`;
export const CONTAINER_ID = `cntr_${DIGITS}`;
export const MESSAGE_ID = `msg_${DIGITS}`;
export const COMPACTION_ID = `cmp_${DIGITS}`;
export const WEBHOOK_ENDPOINT_ID = `whe_${DIGITS}`;
export const WEBHOOK_EVENT_ID = `evt_${DIGITS}`;
export const DELIVERY_ID = "whd_1775000002041-0";
export const FILE_ID = `file-${DIGITS.slice(0, 32)}`;
export const UPLOAD_ID = `upload_${DIGITS.slice(0, 32)}`;
export const PART_ID = `part_${DIGITS.slice(0, 32)}`;
