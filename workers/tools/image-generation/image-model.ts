/** The contract between the image tool and the services that make images. */
export interface ImageModel {
  /** Makes one image. Rejects with an ImageFault, or with the signal's reason. */
  generate(order: ImageRequest, options: GenerateOptions): Promise<GeneratedImage>;
}

export interface GenerateOptions {
  signal: AbortSignal;
  /** An image that is not finished, in the order in which they come. */
  onPartial: (image: GeneratedImage) => void;
}

export interface ImageRequest {
  prompt: string;
  /** To be changed or combined. Without any, an image is made from the prompt alone. */
  images: readonly InputImage[];
  mask: InputImage | undefined;
  settings: ImageSettings;
  partialImages: number;
}

/** What the request says of the image, by the wire's names. What it does not say is left to the service. */
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
  /** Each of these only if the service says it. */
  revisedPrompt?: string | undefined;
  background?: string | undefined;
  outputFormat?: string | undefined;
  quality?: string | undefined;
  size?: string | undefined;
  /** Settings of the order that the service does not know. */
  ignoredSettings?: readonly string[];
}

/** Why there is no image. What it says may be shown to the client and to the model. */
export class ImageError extends Error {
  override readonly name = "ImageError";
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
