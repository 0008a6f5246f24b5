-- The rest of the shared login database: what the catalog has beyond the sample that tests move.

CREATE TABLE "AspNetUserClaims" (
    "Id"         "int" NOT NULL PRIMARY KEY,
    "UserId"     "nvarchar(128)" NOT NULL,
    "ClaimType"  "nvarchar(max)",
    "ClaimValue" "nvarchar(max)"
);

CREATE TABLE "AspNetUserLogins" (
    "LoginProvider" "nvarchar(128)" NOT NULL COLLATE NOCASE,
    "ProviderKey"   "nvarchar(128)" NOT NULL COLLATE NOCASE,
    "UserId"        "nvarchar(128)" NOT NULL COLLATE NOCASE,
    PRIMARY KEY ("LoginProvider", "ProviderKey", "UserId")
);

CREATE TABLE "AutomatedRolloverDetail" (
    "Id"            "int" NOT NULL PRIMARY KEY,
    "FtpSite"       "nvarchar(max)",
    "FtpUsername"   "nvarchar(max)",
    "FtpPassword"   "nvarchar(max)",
    "RelativeUri"   "nvarchar(max)",
    "RolloverEmail" "nvarchar(max)",
    "AdminEmail"    "nvarchar(max)",
    "ForceLoad"     "bit" NOT NULL,
    "DistrictId"    "int" NOT NULL,
    "IsActive"      "bit" NOT NULL
);

CREATE TABLE "DistrictDb" (
    "Id"         "int" NOT NULL PRIMARY KEY,
    "DistrictId" "int" NOT NULL,
    "DbName"     "nvarchar(max)"
);

CREATE TABLE "InterventionVideoGrade" (
    "Id"                  "int" NOT NULL PRIMARY KEY,
    "InterventionVideoId" "int" NOT NULL,
    "GradeId"             "int" NOT NULL
);

CREATE TABLE "JobAllFieldsAssessmentDataExport" (
    "Id"                "int" NOT NULL PRIMARY KEY,
    "SerializedRequest" "nvarchar(max)",
    "UploadedFileName"  "nvarchar(max)",
    "SchoolStartYear"   "int" NOT NULL,
    "UploadedFileUrl"   "nvarchar(max)",
    "StartDate"         "datetime",
    "EndDate"           "datetime",
    "Status"            "nvarchar(max)",
    "StaffId"           "int" NOT NULL,
    "StaffEmail"        "nvarchar(max)",
    "BenchmarkDateId"   "int" NOT NULL,
    "RecordsProcessed"  "int" NOT NULL,
    "BatchName"         "nvarchar(max)",
    "ModifiedDate"      "datetime",
    "Ip"                "nvarchar(max)",
    "ModifiedBy"        "nvarchar(max)"
);

CREATE TABLE "JobAssessmentDataExport" (
    "Id"                "int" NOT NULL PRIMARY KEY,
    "SerializedRequest" "nvarchar(max)",
    "UploadedFileName"  "nvarchar(max)",
    "SchoolStartYear"   "int" NOT NULL,
    "UploadedFileUrl"   "nvarchar(max)",
    "StartDate"         "datetime",
    "EndDate"           "datetime",
    "Status"            "nvarchar(max)",
    "StaffId"           "int" NOT NULL,
    "StaffEmail"        "nvarchar(max)",
    "BenchmarkDateId"   "int" NOT NULL,
    "RecordsProcessed"  "int" NOT NULL,
    "BatchName"         "nvarchar(max)",
    "ModifiedDate"      "datetime",
    "Ip"                "nvarchar(max)",
    "ModifiedBy"        "nvarchar(max)"
);

CREATE TABLE "JobAttendanceExport" (
    "Id"               "int" NOT NULL PRIMARY KEY,
    "UploadedFileName" "nvarchar(max)",
    "SchoolStartYear"  "int" NOT NULL,
    "UploadedFileUrl"  "nvarchar(max)",
    "StartDate"        "datetime",
    "EndDate"          "datetime",
    "Status"           "nvarchar(max)",
    "StaffId"          "int" NOT NULL,
    "StaffEmail"       "nvarchar(max)",
    "RecordsProcessed" "int" NOT NULL,
    "BatchName"        "nvarchar(max)",
    "ModifiedDate"     "datetime",
    "Ip"               "nvarchar(max)",
    "ModifiedBy"       "nvarchar(max)"
);

CREATE TABLE "JobBenchmarkDataImport" (
    "Id"               "int" NOT NULL PRIMARY KEY,
    "AssessmentId"     "int" NOT NULL,
    "UploadedFileName" "nvarchar(max)",
    "SchoolStartYear"  "int" NOT NULL,
    "UploadedFileUrl"  "nvarchar(max)",
    "ImportLog"        "nvarchar(max)",
    "StartDate"        "datetime",
    "EndDate"          "datetime",
    "Status"           "nvarchar(max)",
    "StaffId"          "int" NOT NULL,
    "RecorderId"       "int" NOT NULL,
    "StaffEmail"       "nvarchar(max)",
    "BenchmarkDateId"  "int" NOT NULL,
    "RecordsProcessed" "int" NOT NULL,
    "RecordsSkipped"   "int" NOT NULL,
    "BatchName"        "nvarchar(max)",
    "ModifiedDate"     "datetime",
    "Ip"               "nvarchar(max)",
    "ModifiedBy"       "nvarchar(max)"
);

CREATE TABLE "JobFullRollover" (
    "Id"                 "int" NOT NULL PRIMARY KEY,
    "UploadedFileName"   "nvarchar(max)",
    "SchoolStartYear"    "int" NOT NULL,
    "UploadedFileUrl"    "nvarchar(max)",
    "ImportLog"          "nvarchar(max)",
    "PotentialIssuesLog" "nvarchar(max)",
    "StartDate"          "datetime",
    "EndDate"            "datetime",
    "Status"             "nvarchar(max)",
    "StaffId"            "int" NOT NULL,
    "StaffEmail"         "nvarchar(max)",
    "RecordsProcessed"   "int" NOT NULL,
    "RecordsSkipped"     "int" NOT NULL,
    "BatchName"          "nvarchar(max)",
    "ModifiedDate"       "datetime",
    "Ip"                 "nvarchar(max)",
    "ModifiedBy"         "nvarchar(max)"
);

CREATE TABLE "JobInterventionDataExport" (
    "Id"                "int" NOT NULL PRIMARY KEY,
    "SerializedRequest" "nvarchar(max)",
    "UploadedFileName"  "nvarchar(max)",
    "SchoolStartYear"   "int" NOT NULL,
    "UploadedFileUrl"   "nvarchar(max)",
    "StartDate"         "datetime",
    "EndDate"           "datetime",
    "Status"            "nvarchar(max)",
    "StaffId"           "int" NOT NULL,
    "StaffEmail"        "nvarchar(max)",
    "BenchmarkDateId"   "int" NOT NULL,
    "RecordsProcessed"  "int" NOT NULL,
    "BatchName"         "nvarchar(max)",
    "AssessmentName"    "nvarchar(max)",
    "ModifiedDate"      "datetime",
    "Ip"                "nvarchar(max)",
    "ModifiedBy"        "nvarchar(max)"
);

CREATE TABLE "JobInterventionDataImport" (
    "Id"                  "int" NOT NULL PRIMARY KEY,
    "AssessmentId"        "int" NOT NULL,
    "UploadedFileName"    "nvarchar(max)",
    "SchoolStartYear"     "int" NOT NULL,
    "UploadedFileUrl"     "nvarchar(max)",
    "ImportLog"           "nvarchar(max)",
    "StartDate"           "datetime",
    "EndDate"             "datetime",
    "Status"              "nvarchar(max)",
    "StaffId"             "int" NOT NULL,
    "RecorderId"          "int" NOT NULL,
    "StaffEmail"          "nvarchar(max)",
    "InterventionGroupId" "int" NOT NULL,
    "StintId"             "int" NOT NULL,
    "RecordsProcessed"    "int" NOT NULL,
    "RecordsSkipped"      "int" NOT NULL,
    "BatchName"           "nvarchar(max)",
    "ModifiedDate"        "datetime",
    "Ip"                  "nvarchar(max)",
    "ModifiedBy"          "nvarchar(max)"
);

CREATE TABLE "JobPrintBatch" (
    "Id"                "int" NOT NULL PRIMARY KEY,
    "SerializedRequest" "nvarchar(max)",
    "UploadedFileName"  "nvarchar(max)",
    "SchoolStartYear"   "int" NOT NULL,
    "UploadedFileUrl"   "nvarchar(max)",
    "StartDate"         "datetime",
    "EndDate"           "datetime",
    "Status"            "nvarchar(max)",
    "StaffId"           "int" NOT NULL,
    "StaffEmail"        "nvarchar(max)",
    "BenchmarkDateId"   "int" NOT NULL,
    "RecordsProcessed"  "int" NOT NULL,
    "BatchName"         "nvarchar(max)",
    "ModifiedDate"      "datetime",
    "Ip"                "nvarchar(max)",
    "ModifiedBy"        "nvarchar(max)"
);

CREATE TABLE "JobStaffExport" (
    "Id"               "int" NOT NULL PRIMARY KEY,
    "UploadedFileName" "nvarchar(max)",
    "SchoolStartYear"  "int" NOT NULL,
    "UploadedFileUrl"  "nvarchar(max)",
    "StartDate"        "datetime",
    "EndDate"          "datetime",
    "Status"           "nvarchar(max)",
    "StaffId"          "int" NOT NULL,
    "StaffEmail"       "nvarchar(max)",
    "RecordsProcessed" "int" NOT NULL,
    "BatchName"        "nvarchar(max)",
    "ModifiedDate"     "datetime",
    "Ip"               "nvarchar(max)",
    "ModifiedBy"       "nvarchar(max)"
);

CREATE TABLE "JobStateTestDataImport" (
    "Id"               "int" NOT NULL PRIMARY KEY,
    "AssessmentId"     "int" NOT NULL,
    "UploadedFileName" "nvarchar(max)",
    "SchoolStartYear"  "int" NOT NULL,
    "UploadedFileUrl"  "nvarchar(max)",
    "ImportLog"        "nvarchar(max)",
    "StartDate"        "datetime",
    "EndDate"          "datetime",
    "Status"           "nvarchar(max)",
    "StaffId"          "int" NOT NULL,
    "StaffEmail"       "nvarchar(max)",
    "RecordsProcessed" "int" NOT NULL,
    "RecordsSkipped"   "int" NOT NULL,
    "BatchName"        "nvarchar(max)",
    "ModifiedDate"     "datetime",
    "Ip"               "nvarchar(max)",
    "ModifiedBy"       "nvarchar(max)"
);

CREATE TABLE "JobStudentExport" (
    "Id"               "int" NOT NULL PRIMARY KEY,
    "UploadedFileName" "nvarchar(max)",
    "SchoolStartYear"  "int" NOT NULL,
    "UploadedFileUrl"  "nvarchar(max)",
    "StartDate"        "datetime",
    "EndDate"          "datetime",
    "Status"           "nvarchar(max)",
    "StaffId"          "int" NOT NULL,
    "StaffEmail"       "nvarchar(max)",
    "RecordsProcessed" "int" NOT NULL,
    "BatchName"        "nvarchar(max)",
    "ModifiedDate"     "datetime",
    "Ip"               "nvarchar(max)",
    "ModifiedBy"       "nvarchar(max)"
);

CREATE TABLE "JobStudentRollover" (
    "Id"                 "int" NOT NULL PRIMARY KEY,
    "UploadedFileName"   "nvarchar(max)",
    "UploadedFileUrl"    "nvarchar(max)",
    "ImportLog"          "nvarchar(max)",
    "PotentialIssuesLog" "nvarchar(max)",
    "StartDate"          "datetime",
    "EndDate"            "datetime",
    "Status"             "nvarchar(max)",
    "StaffId"            "int" NOT NULL,
    "StaffEmail"         "nvarchar(max)",
    "RecordsProcessed"   "int" NOT NULL,
    "RecordsSkipped"     "int" NOT NULL,
    "BatchName"          "nvarchar(max)",
    "ModifiedDate"       "datetime",
    "Ip"                 "nvarchar(max)",
    "ModifiedBy"         "nvarchar(max)"
);

CREATE TABLE "JobTeacherRollover" (
    "Id"                 "int" NOT NULL PRIMARY KEY,
    "UploadedFileName"   "nvarchar(max)",
    "UploadedFileUrl"    "nvarchar(max)",
    "ImportLog"          "nvarchar(max)",
    "PotentialIssuesLog" "nvarchar(max)",
    "StartDate"          "datetime",
    "EndDate"            "datetime",
    "Status"             "nvarchar(max)",
    "StaffId"            "int" NOT NULL,
    "StaffEmail"         "nvarchar(max)",
    "RecordsProcessed"   "int" NOT NULL,
    "RecordsSkipped"     "int" NOT NULL,
    "BatchName"          "nvarchar(max)",
    "ModifiedDate"       "datetime",
    "Ip"                 "nvarchar(max)",
    "ModifiedBy"         "nvarchar(max)"
);

CREATE TABLE "NSIntervention" (
    "Id"                        "int" NOT NULL PRIMARY KEY,
    "InterventionType"          "nvarchar(max)",
    "bDisplay"                  "bit" NOT NULL,
    "Description"               "nvarchar(max)",
    "DefaultTextLevelType"      "int",
    "InterventionCardinalityId" "int",
    "ExitCriteria"              "nvarchar(max)",
    "EntranceCriteria"          "nvarchar(max)",
    "LearnerNeed"               "nvarchar(max)",
    "DetailedDescription"       "nvarchar(max)",
    "TimeOfYear"                "nvarchar(max)",
    "InterventionTierId"        "int",
    "InterventionCategoryId"    "int",
    "BriefDescription"          "nvarchar(max)",
    "InterventionFrameworkId"   "int",
    "InterventionUnitOfStudyId" "int",
    "InterventionWorkshopId"    "int",
    "ModifiedDate"              "datetime",
    "Ip"                        "nvarchar(max)",
    "ModifiedBy"                "nvarchar(max)"
);

CREATE TABLE "NSInterventionCardinality" (
    "Id"              "int" NOT NULL PRIMARY KEY,
    "CardinalityName" "nvarchar(max)"
);

CREATE TABLE "NSInterventionCategory" (
    "Id"                  "int" NOT NULL PRIMARY KEY,
    "CategoryName"        "nvarchar(max)",
    "CategoryDescription" "nvarchar(max)",
    "SortOrder"           "int"
);

CREATE TABLE "NSInterventionFramework" (
    "Id"                    "int" NOT NULL PRIMARY KEY,
    "FrameworkName"         "nvarchar(max)",
    "FreameworkDescription" "nvarchar(max)"
);

CREATE TABLE "NSInterventionGrade" (
    "Id"                 "int" NOT NULL PRIMARY KEY,
    "InterventionTypeId" "int" NOT NULL,
    "GradeID"            "int" NOT NULL
);

CREATE TABLE "NSInterventionTier" (
    "Id"          "int" NOT NULL PRIMARY KEY,
    "TierValue"   "int" NOT NULL,
    "Description" "nvarchar(max)",
    "TierName"    "nvarchar(max)",
    "TierLabel"   "nvarchar(max)",
    "TierColor"   "nvarchar(max)"
);

CREATE TABLE "NSInterventionTool" (
    "Id"                     "int" NOT NULL PRIMARY KEY,
    "ToolName"               "nvarchar(max)",
    "ToolFileName"           "nvarchar(max)",
    "Description"            "nvarchar(max)",
    "SortOrder"              "int",
    "FileSystemFileName"     "nvarchar(max)",
    "LastModified"           "datetime",
    "FileSize"               "int",
    "FileExtension"          "nvarchar(max)",
    "InterventionToolTypeId" "int"
);

CREATE TABLE "NSInterventionToolIntervention" (
    "Id"                 "int" NOT NULL PRIMARY KEY,
    "InterventionTypeId" "int" NOT NULL,
    "InterventionToolId" "int" NOT NULL,
    "SortOrder"          "int"
);

CREATE TABLE "NSInterventionToolType" (
    "Id"   "int" NOT NULL PRIMARY KEY,
    "Name" "nvarchar(max)"
);

CREATE TABLE "NSInterventionUnitOfStudy" (
    "Id"              "int" NOT NULL PRIMARY KEY,
    "UnitName"        "nvarchar(max)",
    "UnitDescription" "nvarchar(max)"
);

CREATE TABLE "NSInterventionVideo" (
    "Id"               "int" NOT NULL PRIMARY KEY,
    "VideoName"        "nvarchar(max)",
    "ChapterStartTime" "int",
    "ParentVideoId"    "int",
    "EncodedVideoURL"  "nvarchar(max)",
    "VideoFileName"    "nvarchar(max)",
    "Description"      "nvarchar(max)",
    "VideoLength"      "nvarchar(max)",
    "FileExtension"    "nvarchar(max)",
    "FileSize"         "nvarchar(max)",
    "LastModified"     "datetime",
    "SortOrder"        "int",
    "VideoStreamId"    "nvarchar(max)",
    "ThumbnailURL"     "nvarchar(max)",
    "ModifiedDate"     "datetime",
    "Ip"               "nvarchar(max)",
    "ModifiedBy"       "nvarchar(max)"
);

CREATE TABLE "NSInterventionVideoDistrict" (
    "Id"                  "int" NOT NULL PRIMARY KEY,
    "InterventionVideoId" "int" NOT NULL,
    "DistrictId"          "int" NOT NULL
);

CREATE TABLE "NSInterventionVideoNSIntervention" (
    "Id"                  "int" NOT NULL PRIMARY KEY,
    "InterventionTypeId"  "int" NOT NULL,
    "InterventionVideoId" "int" NOT NULL,
    "SortOrder"           "int",
    "ModifiedDate"        "datetime",
    "Ip"                  "nvarchar(max)",
    "ModifiedBy"          "nvarchar(max)"
);

CREATE TABLE "NSInterventionWorkshop" (
    "Id"                  "int" NOT NULL PRIMARY KEY,
    "WorkshopName"        "nvarchar(max)",
    "WorkshopDescription" "nvarchar(max)"
);

CREATE TABLE "NSPage" (
    "Id"               "int" NOT NULL PRIMARY KEY,
    "Path"             "nvarchar(max)",
    "BriefDescription" "nvarchar(max)",
    "Title"            "nvarchar(max)"
);

CREATE TABLE "NSPageHelp" (
    "Id"                "int" NOT NULL PRIMARY KEY,
    "Path"              "nvarchar(max)",
    "HelpPlaceHolder1"  "nvarchar(max)",
    "HelpPlaceHolder2"  "nvarchar(max)",
    "HelpPlaceHolder3"  "nvarchar(max)",
    "HelpPlaceHolder4"  "nvarchar(max)",
    "HelpPlaceHolder5"  "nvarchar(max)",
    "HelpPlaceHolder6"  "nvarchar(max)",
    "HelpPlaceHolder7"  "nvarchar(max)",
    "HelpPlaceHolder8"  "nvarchar(max)",
    "HelpPlaceHolder9"  "nvarchar(max)",
    "HelpPlaceHolder10" "nvarchar(max)"
);

CREATE TABLE "NorthStarVersion" (
    "Id"      "int" NOT NULL PRIMARY KEY,
    "Version" "decimal(18,2)" NOT NULL
);

CREATE TABLE "PagePresentation" (
    "Id"             "int" NOT NULL PRIMARY KEY,
    "PageId"         "int" NOT NULL,
    "PresentationId" "int" NOT NULL
);

CREATE TABLE "PageTool" (
    "Id"     "int" NOT NULL PRIMARY KEY,
    "PageId" "int" NOT NULL,
    "ToolId" "int" NOT NULL
);

CREATE TABLE "PageVideo" (
    "Id"      "int" NOT NULL PRIMARY KEY,
    "PageId"  "int" NOT NULL,
    "VideoId" "int" NOT NULL
);

CREATE TABLE "PasswordResetRequest" (
    "Id"                    "int" NOT NULL PRIMARY KEY,
    "ResetRequestDateStamp" "datetime" NOT NULL,
    "UserName"              "nvarchar(max)",
    "UID"                   "uniqueidentifier" NOT NULL
);

CREATE TABLE "Presentation" (
    "Id"                 "int" NOT NULL PRIMARY KEY,
    "ToolName"           "nvarchar(max)",
    "ToolFileName"       "nvarchar(max)",
    "Description"        "nvarchar(max)",
    "SortOrder"          "int",
    "FileSystemFileName" "nvarchar(max)",
    "LastModified"       "datetime",
    "FileSize"           "int",
    "FileExtension"      "nvarchar(max)"
);

CREATE TABLE "PrintSetting" (
    "Id"                    "int" NOT NULL PRIMARY KEY,
    "Url"                   "nvarchar(max)",
    "PrintLandscape"        "bit",
    "PrintMultiPage"        "bit",
    "FitHeight"             "bit",
    "FitWidth"              "bit",
    "StretchToFit"          "bit",
    "HtmlViewerWidth"       "int",
    "HtmlViewerHeight"      "int",
    "ForcePortraitPageSize" "bit",
    "ConversionDelay"       "int"
);

CREATE TABLE "Tool" (
    "Id"                 "int" NOT NULL PRIMARY KEY,
    "ToolName"           "nvarchar(max)",
    "ToolFileName"       "nvarchar(max)",
    "Description"        "nvarchar(max)",
    "SortOrder"          "int",
    "FileSystemFileName" "nvarchar(max)",
    "LastModified"       "datetime",
    "FileSize"           "int",
    "FileExtension"      "nvarchar(max)"
);

CREATE TABLE "Video" (
    "Id"               "int" NOT NULL PRIMARY KEY,
    "VideoName"        "nvarchar(max)",
    "ChapterStartTime" "int",
    "ParentVideoId"    "int",
    "EncodedVideoURL"  "nvarchar(max)",
    "VideoFileName"    "nvarchar(max)",
    "Description"      "nvarchar(max)",
    "VideoLength"      "nvarchar(max)",
    "FileExtension"    "nvarchar(max)",
    "FileSize"         "nvarchar(max)",
    "LastModified"     "datetime",
    "SortOrder"        "int",
    "VideoStreamId"    "nvarchar(max)",
    "ThumbnailURL"     "nvarchar(max)"
);
