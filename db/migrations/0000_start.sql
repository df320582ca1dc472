CREATE TABLE "checkpoints" (
	"run" text NOT NULL,
	"role" text NOT NULL,
	"version" integer NOT NULL,
	"step" integer NOT NULL,
	"sha256" text NOT NULL,
	"bytes" bigint NOT NULL,
	CONSTRAINT "checkpoints_run_role_version_step_pk" PRIMARY KEY("run","role","version","step")
);
--> statement-breakpoint
CREATE TABLE "consumptions" (
	"run" text NOT NULL,
	"role" text NOT NULL,
	"version" integer NOT NULL,
	"round" integer NOT NULL,
	"episode" integer NOT NULL,
	"turn" text NOT NULL,
	CONSTRAINT "consumptions_run_role_version_round_episode_turn_pk" PRIMARY KEY("run","role","version","round","episode","turn")
);
--> statement-breakpoint
CREATE TABLE "control_events" (
	"id" serial PRIMARY KEY NOT NULL,
	"run" text NOT NULL,
	"kind" text NOT NULL,
	"data" jsonb NOT NULL,
	"round" integer NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "episodes" (
	"run" text NOT NULL,
	"round" integer NOT NULL,
	"episode" integer NOT NULL,
	"item" integer NOT NULL,
	"data" jsonb NOT NULL,
	"outcome" text,
	CONSTRAINT "episodes_run_round_episode_pk" PRIMARY KEY("run","round","episode")
);
--> statement-breakpoint
CREATE TABLE "evaluations" (
	"run" text NOT NULL,
	"suite" text NOT NULL,
	"role" text NOT NULL,
	"version" integer NOT NULL,
	"item" integer NOT NULL,
	"kind" text NOT NULL,
	"label" text NOT NULL,
	"verdict" text,
	"text" text NOT NULL,
	CONSTRAINT "evaluations_run_suite_role_version_item_pk" PRIMARY KEY("run","suite","role","version","item")
);
--> statement-breakpoint
CREATE TABLE "items" (
	"run" text NOT NULL,
	"round" integer NOT NULL,
	"set" text NOT NULL,
	"item" integer NOT NULL,
	"data" jsonb NOT NULL,
	CONSTRAINT "items_run_round_set_item_pk" PRIMARY KEY("run","round","set","item")
);
--> statement-breakpoint
CREATE TABLE "metrics" (
	"run" text NOT NULL,
	"role" text NOT NULL,
	"version" integer NOT NULL,
	"step" integer NOT NULL,
	"name" text NOT NULL,
	"value" double precision NOT NULL,
	CONSTRAINT "metrics_run_role_version_step_name_pk" PRIMARY KEY("run","role","version","step","name")
);
--> statement-breakpoint
CREATE TABLE "policies" (
	"run" text NOT NULL,
	"role" text NOT NULL,
	"version" integer NOT NULL,
	"round" integer NOT NULL,
	"course" text NOT NULL,
	"sha256" text NOT NULL,
	"bytes" bigint NOT NULL,
	"lesson" jsonb NOT NULL,
	"published_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "policies_run_role_version_pk" PRIMARY KEY("run","role","version")
);
--> statement-breakpoint
CREATE TABLE "rounds" (
	"run" text NOT NULL,
	"round" integer NOT NULL,
	"config" jsonb NOT NULL,
	"score" double precision,
	"numbers" jsonb,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone,
	CONSTRAINT "rounds_run_round_pk" PRIMARY KEY("run","round")
);
--> statement-breakpoint
CREATE TABLE "runs" (
	"name" text PRIMARY KEY NOT NULL,
	"recipe" text NOT NULL,
	"seed" integer NOT NULL,
	"config" jsonb NOT NULL,
	"state" text NOT NULL,
	"provenance" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "shards" (
	"run" text NOT NULL,
	"round" integer NOT NULL,
	"phase" text NOT NULL,
	"shard" integer NOT NULL,
	"tokens" bigint NOT NULL,
	"rows" integer NOT NULL,
	"seconds" double precision NOT NULL,
	"worker" text NOT NULL,
	"finished_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "shards_run_round_phase_shard_pk" PRIMARY KEY("run","round","phase","shard")
);
--> statement-breakpoint
CREATE TABLE "turns" (
	"run" text NOT NULL,
	"round" integer NOT NULL,
	"episode" integer NOT NULL,
	"turn" text NOT NULL,
	"role" text NOT NULL,
	"version" integer NOT NULL,
	"prompt" text NOT NULL,
	"text" text NOT NULL,
	"tokens" integer NOT NULL,
	"seed" text NOT NULL,
	"template" text NOT NULL,
	"verdict" text,
	"reward" double precision,
	CONSTRAINT "turns_run_round_episode_turn_pk" PRIMARY KEY("run","round","episode","turn")
);
--> statement-breakpoint
ALTER TABLE "checkpoints" ADD CONSTRAINT "checkpoints_run_runs_name_fk" FOREIGN KEY ("run") REFERENCES "public"."runs"("name") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "consumptions" ADD CONSTRAINT "consumptions_run_runs_name_fk" FOREIGN KEY ("run") REFERENCES "public"."runs"("name") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "control_events" ADD CONSTRAINT "control_events_run_runs_name_fk" FOREIGN KEY ("run") REFERENCES "public"."runs"("name") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "episodes" ADD CONSTRAINT "episodes_run_runs_name_fk" FOREIGN KEY ("run") REFERENCES "public"."runs"("name") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "evaluations" ADD CONSTRAINT "evaluations_run_runs_name_fk" FOREIGN KEY ("run") REFERENCES "public"."runs"("name") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "items" ADD CONSTRAINT "items_run_runs_name_fk" FOREIGN KEY ("run") REFERENCES "public"."runs"("name") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "metrics" ADD CONSTRAINT "metrics_run_runs_name_fk" FOREIGN KEY ("run") REFERENCES "public"."runs"("name") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "policies" ADD CONSTRAINT "policies_run_runs_name_fk" FOREIGN KEY ("run") REFERENCES "public"."runs"("name") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rounds" ADD CONSTRAINT "rounds_run_runs_name_fk" FOREIGN KEY ("run") REFERENCES "public"."runs"("name") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "shards" ADD CONSTRAINT "shards_run_runs_name_fk" FOREIGN KEY ("run") REFERENCES "public"."runs"("name") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "turns" ADD CONSTRAINT "turns_run_runs_name_fk" FOREIGN KEY ("run") REFERENCES "public"."runs"("name") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "episodes_item" ON "episodes" USING btree ("run","round","item");