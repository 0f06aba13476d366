/** The contract between the image tool and image services. */
export interface ImageModel {
  /** Generates one image. Rejects with an ImageError, or with the signal's reason. */
  generate(request: ImageRequest, options: GenerateOptions): Promise<GeneratedImage>;
}

export interface GenerateOptions {
  signal: AbortSignal;
  /** Receives partial images in order. */
  onPartial: (image: GeneratedImage) => void;
}

export interface ImageRequest {
  prompt: string;
  /** Images to change or combine. Without any, the prompt alone describes the image. */
  images: readonly InputImage[];
  mask: InputImage | undefined;
  settings: ImageSettings;
  partialImages: number;
}

/** The request's settings, by their wire names. The service chooses the missing ones. */
export interface ImageSettings {
  background?: "transparent" | "opaque";
  input_fidelity?: "high" | "low";
  moderation?: "low";
  output_compression?: number;
  output_format?: "png" | "webp" | "jpeg";
  quality?: "low" | "medium" | "high" | "xhigh" | "max";
  size?: string;
}

export interface InputImage {
  bytes: Uint8Array<ArrayBuffer>;
  mediaType: string;
}

export interface GeneratedImage {
  base64: string;
  /** Each field is present only if the service returns it. */
  revisedPrompt?: string | undefined;
  background?: string | undefined;
  outputFormat?: string | undefined;
  quality?: string | undefined;
  size?: string | undefined;
  /** Settings of the request that the service does not know. */
  ignoredSettings?: readonly string[];
}

/** Why there is no image. The client and the model may see the message. */
export class ImageError extends Error {
  override readonly name = "ImageError";
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
