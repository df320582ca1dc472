ALTER TABLE "control_events" ADD COLUMN "request" text;--> statement-breakpoint
CREATE UNIQUE INDEX "control_events_request" ON "control_events" USING btree ("run","request");