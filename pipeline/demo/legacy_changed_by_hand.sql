-- How a district differs whose database was changed by hand over the years: columns and a table that it lacks, others
-- that only it has, and types that are narrower. To be run once its tables are filled.

ALTER TABLE "FPComparison" DROP COLUMN "Lexiles";
ALTER TABLE "FPComparison" DROP COLUMN "DRAID";
ALTER TABLE "InterventionTier" DROP COLUMN "TierColor";
ALTER TABLE "InterventionType" DROP COLUMN "WorkshopID";
ALTER TABLE "StaffAssessmentFieldVisibility" DROP COLUMN "DisplayInEditResultList";
ALTER TABLE "TeamMeetingAttendance" DROP COLUMN "IncludeAllStudents";
DROP TABLE "InterventionWorkshop";

ALTER TABLE "Student" ADD COLUMN "BusRoute" "nvarchar(max)";
UPDATE "Student" SET "BusRoute" = 'Route ' || ("Id" % 7);
ALTER TABLE "Section" ADD COLUMN "Room" "nvarchar(20)";

-- Moved to the login database long ago, and never removed here.
CREATE TABLE "PrintSetting" ("Id" "int" NOT NULL PRIMARY KEY, "PageName" "nvarchar(max)");
INSERT INTO "PrintSetting" VALUES (1, 'section-report');
CREATE TABLE "Student_backup_2012" AS SELECT "Id", "FirstName", "LastName" FROM "Student" WHERE "Id" < 5;

ALTER TABLE "InterventionToolType" RENAME TO "Narrower";
CREATE TABLE "InterventionToolType" ("Id" "smallint" NOT NULL PRIMARY KEY, "Name" "varchar(40)");
INSERT INTO "InterventionToolType" SELECT * FROM "Narrower";
DROP TABLE "Narrower";

ALTER TABLE "StudentSchool" RENAME TO "Nullable";
CREATE TABLE "StudentSchool" (
    "Id"              "int" NOT NULL PRIMARY KEY,
    "StudentID"       "int" NOT NULL,
    "SchoolID"        "int" NOT NULL,
    "SchoolStartYear" "int" NOT NULL,
    "GradeId"         "int" NOT NULL,
    "StartDate"       "datetime",
    "EndDate"         "datetime",
    "ModifiedDate"    "datetime",
    "Ip"              "nvarchar(max)",
    "ModifiedBy"      "nvarchar(max)"
);
INSERT INTO "StudentSchool" SELECT * FROM "Nullable";
DROP TABLE "Nullable";
