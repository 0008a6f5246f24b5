-- The rest of a district's database: what the catalog has beyond the sample that tests move.
-- Result tables are made from the rows of Assessment and AssessmentField, as the original makes them.

CREATE TABLE "Assessment_Benchmarks" (
    "Id"                "int" NOT NULL PRIMARY KEY,
    "AssessmentID"      "int" NOT NULL,
    "GradeID"           "int" NOT NULL,
    "TestLevelPeriodID" "int" NOT NULL,
    "AssessmentField"   "varchar(max)",
    "DoesNotMeet"       "decimal(10,2)",
    "Approaches"        "decimal(10,2)",
    "Meets"             "decimal(10,2)",
    "Exceeds"           "decimal(10,2)"
);

CREATE TABLE "AttendanceReason" (
    "Id"                       "int" NOT NULL PRIMARY KEY,
    "Reason"                   "nvarchar(max)",
    "ValidForScheduledDays"    "bit" NOT NULL,
    "CountsAsAbsense"          "bit" NOT NULL,
    "ValidForNonScheduledDays" "bit" NOT NULL,
    "CountsAsBonusDay"         "bit" NOT NULL,
    "Order"                    "int" NOT NULL,
    "ModifiedDate"             "datetime",
    "Ip"                       "nvarchar(max)",
    "ModifiedBy"               "nvarchar(max)"
);

CREATE TABLE "AttendeeGroup" (
    "Id"        "int" NOT NULL PRIMARY KEY,
    "GroupName" "nvarchar(max)",
    "StaffId"   "int" NOT NULL
);

CREATE TABLE "AttendeeGroupStaff" (
    "Id"              "int" NOT NULL PRIMARY KEY,
    "StaffId"         "int" NOT NULL,
    "AttendeeGroupId" "int" NOT NULL
);

CREATE TABLE "DistrictCalendar" (
    "Id"           "int" NOT NULL PRIMARY KEY,
    "Subject"      "nvarchar(max)",
    "Description"  "nvarchar(max)",
    "Start"        "datetime" NOT NULL,
    "End"          "datetime" NOT NULL,
    "ModifiedDate" "datetime",
    "Ip"           "nvarchar(max)",
    "ModifiedBy"   "nvarchar(max)"
);

CREATE TABLE "District_YearlyAssessmentBenchmark" (
    "Id"              "int" NOT NULL PRIMARY KEY,
    "AssessmentID"    "int" NOT NULL,
    "GradeID"         "int" NOT NULL,
    "AssessmentField" "nvarchar(max)",
    "DoesNotMeet"     "decimal(18,2)",
    "Approaches"      "decimal(18,2)",
    "Meets"           "decimal(18,2)",
    "Exceeds"         "decimal(18,2)"
);

CREATE TABLE "FPComparison" (
    "ID"      "int" NOT NULL PRIMARY KEY,
    "Grades"  "nvarchar(max)",
    "DRAs"    "nvarchar(max)",
    "RR"      "nvarchar(max)",
    "FPs"     "nvarchar(max)",
    "FPID"    "int" NOT NULL,
    "Lexiles" "nvarchar(max)",
    "FPOrder" "int" NOT NULL,
    "DRAID"   "int" NOT NULL
);

CREATE TABLE "FullRollover" (
    "Student ID"              "nvarchar(max)",
    "Student First Name"      "nvarchar(max)",
    "Student Middle Name"     "nvarchar(max)",
    "Student Last Name"       "nvarchar(max)",
    "Student Grade"           "nvarchar(max)",
    "Student DOB"             "nvarchar(max)",
    "Student Graduation Year" "nvarchar(max)",
    "Student Is Active"       "nvarchar(max)",
    "StudentAttributeName1"   "nvarchar(max)",
    "StudentAttributeValue1"  "nvarchar(max)",
    "StudentAttributeName2"   "nvarchar(max)",
    "StudentAttributeValue2"  "nvarchar(max)",
    "StudentAttributeName3"   "nvarchar(max)",
    "StudentAttributeValue3"  "nvarchar(max)",
    "StudentAttributeName4"   "nvarchar(max)",
    "StudentAttributeValue4"  "nvarchar(max)",
    "StudentAttributeName5"   "nvarchar(max)",
    "StudentAttributeValue5"  "nvarchar(max)",
    "StudentAttributeName6"   "nvarchar(max)",
    "StudentAttributeValue6"  "nvarchar(max)",
    "StudentAttributeName7"   "nvarchar(max)",
    "StudentAttributeValue7"  "nvarchar(max)",
    "StudentAttributeName8"   "nvarchar(max)",
    "StudentAttributeValue8"  "nvarchar(max)",
    "StudentAttributeName9"   "nvarchar(max)",
    "StudentAttributeValue9"  "nvarchar(max)",
    "StudentAttributeName10"  "nvarchar(max)",
    "StudentAttributeValue10" "nvarchar(max)",
    "Teacher ID"              "nvarchar(max)",
    "Teacher First Name"      "nvarchar(max)",
    "Teacher Middle Name"     "nvarchar(max)",
    "Teacher Last Name"       "nvarchar(max)",
    "Teacher Email"           "nvarchar(max)",
    "Is Interventionist"      "nvarchar(max)",
    "Class Identifier"        "nvarchar(max)",
    "School Name"             "nvarchar(max)"
);

CREATE TABLE "InterventionCardinality" (
    "Id"              "int" NOT NULL PRIMARY KEY,
    "CardinalityName" "varchar(max)"
);

CREATE TABLE "InterventionCategory" (
    "Id"                  "int" NOT NULL PRIMARY KEY,
    "CategoryName"        "varchar(max)",
    "CategoryDescription" "varchar(max)",
    "SortOrder"           "int"
);

CREATE TABLE "InterventionFramework" (
    "Id"                    "int" NOT NULL PRIMARY KEY,
    "FrameworkName"         "varchar(max)",
    "FreameworkDescription" "varchar(max)"
);

CREATE TABLE "InterventionGrade" (
    "Id"             "int" NOT NULL PRIMARY KEY,
    "InterventionID" "int" NOT NULL,
    "GradeID"        "int" NOT NULL
);

CREATE TABLE "InterventionTier" (
    "Id"          "int" NOT NULL PRIMARY KEY,
    "TierValue"   "int" NOT NULL,
    "Description" "varchar(max)",
    "TierName"    "varchar(max)",
    "TierLabel"   "varchar(max)",
    "TierColor"   "varchar(max)"
);

CREATE TABLE "InterventionTool" (
    "Id"                 "int" NOT NULL PRIMARY KEY,
    "ToolName"           "varchar(max)",
    "ToolFileName"       "varchar(max)",
    "Description"        "varchar(max)",
    "SortOrder"          "int",
    "FileSystemFileName" "varchar(max)",
    "LastModified"       "datetime",
    "FileSize"           "int",
    "FileExtension"      "varchar(max)",
    "ToolTypeID"         "int"
);

CREATE TABLE "InterventionToolIntervention" (
    "Id"                 "int" NOT NULL PRIMARY KEY,
    "InterventionID"     "int" NOT NULL,
    "InterventionToolID" "int" NOT NULL,
    "SortOrder"          "int"
);

CREATE TABLE "InterventionToolType" (
    "Id"   "int" NOT NULL PRIMARY KEY,
    "Name" "varchar(max)"
);

CREATE TABLE "InterventionType" (
    "Id"                        "int" NOT NULL PRIMARY KEY,
    "InterventionType"          "varchar(max)",
    "bDisplay"                  "bit" NOT NULL,
    "Description"               "varchar(max)",
    "DefaultTextLevelType"      "int",
    "InterventionCardinalityID" "int",
    "ExitCriteria"              "varchar(max)",
    "EntranceCriteria"          "varchar(max)",
    "LearnerNeed"               "varchar(max)",
    "DetailedDescription"       "varchar(max)",
    "TimeOfYear"                "varchar(max)",
    "InterventionTierID"        "int",
    "CategoryID"                "int",
    "BriefDescription"          "varchar(max)",
    "FrameworkID"               "int",
    "UnitOfStudyID"             "int",
    "WorkshopID"                "int",
    "ModifiedDate"              "datetime",
    "Ip"                        "nvarchar(max)",
    "ModifiedBy"                "nvarchar(max)"
);

CREATE TABLE "InterventionUnitOfStudy" (
    "Id"              "int" NOT NULL PRIMARY KEY,
    "UnitName"        "varchar(max)",
    "UnitDescription" "varchar(max)"
);

CREATE TABLE "InterventionWorkshop" (
    "Id"                  "int" NOT NULL PRIMARY KEY,
    "WorkshopName"        "varchar(max)",
    "WorkshopDescription" "varchar(max)"
);

CREATE TABLE "SchoolAssessment" (
    "Id"                    "int" NOT NULL PRIMARY KEY,
    "AssessmentId"          "int" NOT NULL,
    "SchoolId"              "int" NOT NULL,
    "AssessmentIsAvailable" "bit" NOT NULL
);

CREATE TABLE "SchoolCalendar" (
    "Id"           "int" NOT NULL PRIMARY KEY,
    "SchoolID"     "int" NOT NULL,
    "Subject"      "varchar(max)",
    "Description"  "nvarchar(max)",
    "Start"        "datetime" NOT NULL,
    "End"          "datetime" NOT NULL,
    "ModifiedDate" "datetime",
    "Ip"           "nvarchar(max)",
    "ModifiedBy"   "nvarchar(max)"
);

CREATE TABLE "StaffAssessment" (
    "Id"                    "int" NOT NULL PRIMARY KEY,
    "AssessmentId"          "int" NOT NULL,
    "StaffId"               "int" NOT NULL,
    "AssessmentIsAvailable" "bit" NOT NULL
);

CREATE TABLE "StaffAssessmentFieldVisibility" (
    "Id"                      "int" NOT NULL PRIMARY KEY,
    "StaffId"                 "int" NOT NULL,
    "AssessmentId"            "int" NOT NULL,
    "AssessmentFieldId"       "int" NOT NULL,
    "DisplayInObsSummary"     "bit",
    "DisplayInEditResultList" "bit",
    "DisplayInLineGraphs"     "bit"
);

CREATE TABLE "StaffInterventionGroup" (
    "Id"                         "int" NOT NULL PRIMARY KEY,
    "StaffID"                    "int" NOT NULL,
    "InterventionGroupId"        "int" NOT NULL,
    "StaffHierarchyPermissionID" "int" NOT NULL,
    "ModifiedDate"               "datetime",
    "Ip"                         "nvarchar(max)",
    "ModifiedBy"                 "nvarchar(max)"
);

CREATE TABLE "StaffObservationSummaryAssessment" (
    "Id"           "int" NOT NULL PRIMARY KEY,
    "AssessmentId" "int" NOT NULL,
    "StaffId"      "int" NOT NULL,
    "Hidden"       "bit" NOT NULL
);

CREATE TABLE "StaffObservationSummaryAssessmentField" (
    "Id"                "int" NOT NULL PRIMARY KEY,
    "AssessmentId"      "int" NOT NULL,
    "AssessmentFieldId" "int" NOT NULL,
    "StaffId"           "int" NOT NULL,
    "Hidden"            "bit" NOT NULL
);

CREATE TABLE "StaffSchoolGrade" (
    "Id"                         "int" NOT NULL PRIMARY KEY,
    "SchoolID"                   "int" NOT NULL,
    "StaffID"                    "int" NOT NULL,
    "StaffHierarchyPermissionID" "int" NOT NULL,
    "GradeID"                    "int" NOT NULL,
    "ModifiedDate"               "datetime",
    "Ip"                         "nvarchar(max)",
    "ModifiedBy"                 "nvarchar(max)"
);

CREATE TABLE "StaffSetting" (
    "Id"              "int" NOT NULL PRIMARY KEY,
    "StaffId"         "int" NOT NULL,
    "SelectedValueId" "nvarchar(max)",
    "Attribute"       "nvarchar(max)",
    "ModifiedDate"    "datetime",
    "Ip"              "nvarchar(max)",
    "ModifiedBy"      "nvarchar(max)"
);

CREATE TABLE "StaffStudentAttribute" (
    "Id"          "int" NOT NULL PRIMARY KEY,
    "AttributeId" "int" NOT NULL,
    "StaffId"     "int" NOT NULL,
    "Visible"     "bit" NOT NULL
);

CREATE TABLE "StudentRollover" (
    "Student ID"              "nvarchar(max)",
    "Student First Name"      "nvarchar(max)",
    "Student Middle Name"     "nvarchar(max)",
    "Student Last Name"       "nvarchar(max)",
    "Student DOB"             "nvarchar(max)",
    "Student Graduation Year" "nvarchar(max)",
    "StudentAttributeName1"   "nvarchar(max)",
    "StudentAttributeValue1"  "nvarchar(max)",
    "StudentAttributeName2"   "nvarchar(max)",
    "StudentAttributeValue2"  "nvarchar(max)",
    "StudentAttributeName3"   "nvarchar(max)",
    "StudentAttributeValue3"  "nvarchar(max)",
    "StudentAttributeName4"   "nvarchar(max)",
    "StudentAttributeValue4"  "nvarchar(max)",
    "StudentAttributeName5"   "nvarchar(max)",
    "StudentAttributeValue5"  "nvarchar(max)",
    "StudentAttributeName6"   "nvarchar(max)",
    "StudentAttributeValue6"  "nvarchar(max)",
    "StudentAttributeName7"   "nvarchar(max)",
    "StudentAttributeValue7"  "nvarchar(max)",
    "StudentAttributeName8"   "nvarchar(max)",
    "StudentAttributeValue8"  "nvarchar(max)",
    "StudentAttributeName9"   "nvarchar(max)",
    "StudentAttributeValue9"  "nvarchar(max)",
    "StudentAttributeName10"  "nvarchar(max)",
    "StudentAttributeValue10" "nvarchar(max)",
    "Student Is Active"       "nvarchar(max)"
);

CREATE TABLE "TeacherRollover" (
    "Teacher ID"                "nvarchar(max)",
    "Teacher First Name"        "nvarchar(max)",
    "Teacher Middle Name"       "nvarchar(max)",
    "Teacher Last Name"         "nvarchar(max)",
    "Teacher Email"             "nvarchar(max)",
    "Is Interventionist"        "nvarchar(max)",
    "Is District Administrator" "nvarchar(max)",
    "Is District Contact"       "nvarchar(max)",
    "Is Enabled"                "nvarchar(max)",
    "Can Login"                 "nvarchar(max)",
    "Teacher Role"              "nvarchar(max)"
);

CREATE TABLE "TeamMeeting" (
    "ID"            "int" NOT NULL PRIMARY KEY,
    "TestDueDateId" "int",
    "Title"         "nvarchar(max)",
    "Comments"      "nvarchar(max)",
    "MeetingTime"   "datetime" NOT NULL,
    "StaffID"       "int" NOT NULL,
    "SchoolYear"    "int" NOT NULL
);

CREATE TABLE "TeamMeetingAttendance" (
    "ID"                 "int" NOT NULL PRIMARY KEY,
    "TeamMeetingID"      "int" NOT NULL,
    "StaffID"            "int" NOT NULL,
    "NoticeSent"         "datetime",
    "Attended"           "bit" NOT NULL,
    "SchoolID"           "int",
    "IncludeAllStudents" "bit" NOT NULL
);

CREATE TABLE "TeamMeetingManager" (
    "ID"            "int" NOT NULL PRIMARY KEY,
    "TeamMeetingID" "int" NOT NULL,
    "StaffID"       "int" NOT NULL
);

CREATE TABLE "TeamMeetingStudent" (
    "ID"            "int" NOT NULL PRIMARY KEY,
    "TeamMeetingID" "int" NOT NULL,
    "StaffID"       "int" NOT NULL,
    "SectionID"     "int" NOT NULL,
    "StudentID"     "int" NOT NULL,
    "Notes"         "nvarchar(max)"
);

CREATE TABLE "TeamMeetingStudentNote" (
    "ID"            "int" NOT NULL PRIMARY KEY,
    "TeamMeetingID" "int" NOT NULL,
    "StudentID"     "int" NOT NULL,
    "NoteDate"      "datetime" NOT NULL,
    "Note"          "varchar(max)",
    "StaffID"       "int" NOT NULL
);
