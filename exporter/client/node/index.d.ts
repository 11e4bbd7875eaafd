/** When an event was: RFC 3339, milliseconds since 1970, or a Date. */
export type Moment = string | number | Date;

/** What every event may say: whose it is, which integration it is about, what makes it unique, and when it was. */
export interface Common {
  id?: string;
  at?: Moment;
  tenant?: string;
  integration?: string;
}

export interface Payment extends Common {
  outcome: "succeeded" | "failed" | "declined" | "timeout" | "disputed" | "fraud_warning";
  amount?: number;
  currency?: string;
  provider?: string;
  decline_code?: string;
  payment_id?: string;
}

export interface Webhook extends Common {
  source: string;
  outcome: string;
  direction?: "inbound" | "outbound";
  type?: string;
  /** Seconds. */
  duration?: number;
  attempt?: number;
  event_id?: string;
  error?: string;
}

export interface ApiRequest extends Common {
  /** The template, such as /orders/{id}. */
  route: string;
  method: string;
  status: number;
  /** Seconds. */
  duration: number;
  trace_id?: string;
  user?: string;
  address?: string;
}

export interface AiUsage extends Common {
  endpoint: string;
  status: string;
  /** Seconds. */
  duration?: number;
  /** USD. */
  cost?: number;
  request_id?: string;
  error?: string;
}

export interface Widget extends Common {
  widget: string;
  outcome: "loaded" | "load_error" | "render_failure" | "script_error" | "timeout";
  route?: string;
  release?: string;
  /** Seconds. */
  duration?: number;
  error?: string;
}

export interface MetricValue extends Common {
  name: string;
  value: number;
  labels?: Record<string, string>;
}

export interface Traffic extends Common {
  route: string;
  client: "human" | "bot" | "suspicious";
  country?: string;
  views?: number;
}

export interface Auth extends Common {
  outcome: "success" | "failure";
  method?: string;
  country?: string;
  address?: string;
  actor?: string;
  reason?: string;
}

export interface RateLimit extends Common {
  policy: string;
  endpoint: string;
  outcome: "allowed" | "blocked";
  identifier?: string;
}

export interface Audit extends Common {
  actor: string;
  action: string;
  resource?: string;
  outcome?: string;
  address?: string;
  country?: string;
  user_agent?: string;
  details?: Record<string, unknown>;
}

export interface Options {
  /** The exporter, such as http://127.0.0.1:10055; without it every call does nothing. */
  url?: string;
  /** The bearer token of a user with the role ingest. */
  token?: string;
  /** The tenant of events that name none. */
  tenant?: string;
  /** Most events that wait; 10,000. */
  queue?: number;
  /** Most events of a request; 500. */
  batch?: number;
  /** Milliseconds between two requests; 1,000. */
  interval?: number;
  /** Milliseconds that a request may take; 5,000. */
  timeout?: number;
  /** Where changes of state are logged; the console. */
  logger?: { warn(text: string): void } | null;
}

/** Numbers of events since the start of the process. */
export interface Statistics {
  queued: number;
  sent: number;
  rejected: number;
  invalid: number;
  dropped: number;
  failing: boolean;
}

export declare class Client {
  constructor(options?: Options);
  static fromEnvironment(options?: Options): Client;
  readonly enabled: boolean;
  readonly statistics: Statistics;
  event(kind: string, fields?: Common & Record<string, unknown>): void;
  payment(fields: Payment): void;
  webhook(fields: Webhook): void;
  apiRequest(fields: ApiRequest): void;
  aiUsage(fields: AiUsage): void;
  widget(fields: Widget): void;
  metric(fields: MetricValue): void;
  traffic(fields: Traffic): void;
  auth(fields: Auth): void;
  rateLimit(fields: RateLimit): void;
  audit(fields: Audit): void;
  /** Resolves to whether everything was sent within `timeout` milliseconds. */
  flush(timeout?: number): Promise<boolean>;
  close(timeout?: number): Promise<boolean>;
}

/** Adds fields that are known only while the code runs. */
export interface Tracker<Fields> {
  set(fields: Partial<Fields>): void;
}


export declare function expressMiddleware<Request = unknown>(
  client: Client,
  describe?: (request: Request) => Partial<ApiRequest>,
): (request: any, response: any, next: () => void) => void;

export declare function fetchHandler<Rest extends unknown[]>(
  client: Client,
  route: string,
  handler: (request: Request, ...rest: Rest) => Response | Promise<Response>,
  describe?: (request: Request) => Partial<ApiRequest>,
): (request: Request, ...rest: Rest) => Promise<Response>;

export declare function trackAiUsage<Result>(
  client: Client,
  endpoint: string,
  call: (tracker: Tracker<AiUsage>) => Result,
  common?: Partial<AiUsage>,
): Result;

export declare function trackWebhook<Result>(
  client: Client,
  source: string,
  call: (tracker: Tracker<Webhook>) => Result,
  common?: Partial<Webhook>,
): Result;

export declare function trackPayment<Result>(
  client: Client,
  call: (tracker: Tracker<Payment>) => Result,
  common?: Partial<Payment>,
): Result;

export declare function trackWidget<Result>(
  client: Client,
  widget: string,
  call: (tracker: Tracker<Widget>) => Result,
  common?: Partial<Widget>,
): Result;
