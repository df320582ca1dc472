ALTER TABLE "shards" ADD COLUMN "engine_times" "tstzmultirange" DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "shards" ADD COLUMN "storage_times" "tstzmultirange" DEFAULT '{}' NOT NULL;