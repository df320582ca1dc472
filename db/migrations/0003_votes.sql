ALTER TABLE "evaluations" ADD COLUMN "share" double precision;--> statement-breakpoint
ALTER TABLE "evaluations" ADD COLUMN "votes" jsonb;