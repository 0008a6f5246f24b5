-- One district's legacy database as SQLite: the columns, declared types, NOT NULL and primary keys of the
-- SQL Server original. Types are quoted names because "varchar(max)" is a syntax error otherwise.
-- No foreign keys: the originals were dropped and re-created over the years, so nothing may rely on them.

CREATE TABLE "School" (
    "Id"           "int" NOT NULL PRIMARY KEY,
    "IsPreK"       "bit",
    "IsK2"         "bit",
    "Is35"         "bit",
    "IsK5"         "bit",
    "IsK8"         "bit",
    "IsMS"         "bit",
    "IsHS"         "bit",
    "IsSS"         "bit",
    "Name"         "nvarchar(max)",
    "Description"  "nvarchar(max)",
    "ModifiedDate" "datetime",
    "Ip"           "nvarchar(max)",
    "ModifiedBy"   "nvarchar(max)"
);

CREATE TABLE "SchoolYear" (
    "SchoolStartYear" "int" NOT NULL PRIMARY KEY,
    "YearVerbose"     "nvarchar(max)",
    "SchoolEndYear"   "int" NOT NULL,
    "ModifiedDate"    "datetime",
    "Ip"              "nvarchar(max)",
    "ModifiedBy"      "nvarchar(max)"
);

CREATE TABLE "Grade" (
    "Id"               "int" NOT NULL PRIMARY KEY,
    "ShortName"        "nvarchar(max)",
    "LongName"         "nvarchar(max)",
    "GradeOrder"       "int" NOT NULL,
    "StateGradeNumber" "nvarchar(max)",
    "ModifiedDate"     "datetime",
    "Ip"               "nvarchar(max)",
    "ModifiedBy"       "nvarchar(max)"
);

CREATE TABLE "Staff" (
    "Id"                       "int" NOT NULL PRIMARY KEY,
    "TeacherIdentifier"        "varchar(max)",
    "LoweredUserName"          "varchar(max)",
    "FirstName"                "varchar(max)",
    "MiddleName"               "varchar(max)",
    "LastName"                 "varchar(max)",
    "NorthStarUserTypeID"      "int",
    "Notes"                    "varchar(max)",
    "RoleID"                   "int" NOT NULL,
    "Email"                    "varchar(max)",
    "IsInterventionSpecialist" "bit" NOT NULL,
    "NavigationFavorites"      "nvarchar(max)",
    "RolesLastUpdated"         "datetime",
    "IsActive"                 "bit",
    "IsSA"                     "bit",
    "IsPowerUser"              "bit",
    "IsDistrictAdmin"          "bit" NOT NULL,
    "IsDistrictContact"        "bit",
    "ModifiedDate"             "datetime",
    "Ip"                       "nvarchar(max)",
    "ModifiedBy"               "nvarchar(max)"
);

CREATE TABLE "StaffSchool" (
    "Id"                         "int" NOT NULL PRIMARY KEY,
    "SchoolID"                   "int" NOT NULL,
    "StaffID"                    "int" NOT NULL,
    "StaffHierarchyPermissionID" "int" NOT NULL,
    "IsSchoolContact"            "bit",
    "ModifiedDate"               "datetime",
    "Ip"                         "nvarchar(max)",
    "ModifiedBy"                 "nvarchar(max)"
);

CREATE TABLE "Student" (
    "Id"                "int" NOT NULL PRIMARY KEY,
    "FirstName"         "varchar(max)",
    "MiddleName"        "varchar(max)",
    "LastName"          "varchar(max)",
    "DOB"               "datetime",
    "GradYear"          "int",
    "StudentIdentifier" "varchar(max)",
    "TitleOnetypeID"    "int",
    "Comment"           "nvarchar(max)",
    "EthnicityID"       "int",
    "Gender"            "nvarchar(max)",
    "IsActive"          "bit",
    "GenderID"          "int",
    "DistrictID"        "int",
    "ELL"               "bit",
    "ADSIS"             "bit",
    "Gifted"            "bit",
    "ModifiedDate"      "datetime",
    "Ip"                "nvarchar(max)",
    "ModifiedBy"        "nvarchar(max)"
);

CREATE TABLE "StudentSchool" (
    "Id"              "int" NOT NULL PRIMARY KEY,
    "StudentID"       "int" NOT NULL,
    "SchoolID"        "int" NOT NULL,
    "SchoolStartYear" "int" NOT NULL,
    "GradeId"         "int",
    "StartDate"       "datetime",
    "EndDate"         "datetime",
    "ModifiedDate"    "datetime",
    "Ip"              "nvarchar(max)",
    "ModifiedBy"      "nvarchar(max)"
);

CREATE TABLE "StudentNote" (
    "Id"        "int" NOT NULL PRIMARY KEY,
    "StudentID" "int" NOT NULL,
    "NoteDate"  "datetime" NOT NULL,
    "Note"      "nvarchar(max)",
    "StaffID"   "int" NOT NULL
);

CREATE TABLE "StudentAttributeType" (
    "Id"            "int" NOT NULL PRIMARY KEY,
    "AttributeName" "nvarchar(max)"
);

CREATE TABLE "StudentAttributeLookupValue" (
    "Id"              "int" NOT NULL PRIMARY KEY,
    "AttributeID"     "int" NOT NULL,
    "LookupValueID"   "int",
    "LookupValue"     "nvarchar(max)",
    "Description"     "nvarchar(max)",
    "IsSpecialEd"     "bit",
    "IsDefaultOption" "bit",
    "NotGenEd"        "bit"
);

CREATE TABLE "StudentAttributeData" (
    "Id"               "int" NOT NULL PRIMARY KEY,
    "StudentID"        "int" NOT NULL,
    "AttributeID"      "int" NOT NULL,
    "AttributeValueID" "int" NOT NULL,
    "LookupValue_Id"   "int"
);

CREATE TABLE "Section" (
    "Id"                     "int" NOT NULL PRIMARY KEY,
    "Name"                   "nvarchar(max)",
    "Description"            "nvarchar(max)",
    "StaffID"                "int" NOT NULL,
    "SchoolStartYear"        "int" NOT NULL,
    "SchoolID"               "int" NOT NULL,
    "GradeID"                "int" NOT NULL,
    "SectionDataTypeID"      "int" NOT NULL,
    "InterventionTypeID"     "int",
    "InterventionTierID"     "int",
    "StartDate"              "datetime",
    "EndDate"                "datetime",
    "StaffTimeSlotID"        "int",
    "IsInterventionGroup"    "bit" NOT NULL,
    "InterventionDistrictID" "int",
    "MondayMeet"             "bit",
    "TuesdayMeet"            "bit",
    "WednesdayMeet"          "bit",
    "ThursdayMeet"           "bit",
    "FridayMeet"             "bit",
    "StartTime"              "datetime",
    "EndTime"                "datetime",
    "ModifiedDate"           "datetime",
    "Ip"                     "nvarchar(max)",
    "ModifiedBy"             "nvarchar(max)"
);

CREATE TABLE "StudentSection" (
    "Id"                  "int" NOT NULL PRIMARY KEY,
    "StudentID"           "int" NOT NULL,
    "ClassID"             "int" NOT NULL,
    "StartDate"           "datetime",
    "EndDate"             "datetime",
    "LastAssociatedTDDID" "int",
    "Notes"               "nvarchar(max)",
    "LastAssociatedTDD"   "datetime",
    "ModifiedDate"        "datetime",
    "Ip"                  "nvarchar(max)",
    "ModifiedBy"          "nvarchar(max)"
);

CREATE TABLE "StaffSection" (
    "Id"                         "int" NOT NULL PRIMARY KEY,
    "StaffID"                    "int" NOT NULL,
    "ClassID"                    "int" NOT NULL,
    "StaffHierarchyPermissionID" "int" NOT NULL,
    "ModifiedDate"               "datetime",
    "Ip"                         "nvarchar(max)",
    "ModifiedBy"                 "nvarchar(max)"
);

CREATE TABLE "Assessment" (
    "Id"                     "int" NOT NULL PRIMARY KEY,
    "CanImport"              "bit",
    "AssessmentIsAvailable"  "bit",
    "StorageTable"           "nvarchar(max)",
    "SecondaryStorageTable"  "nvarchar(max)",
    "TertiaryStorageTable"   "nvarchar(max)",
    "IsStateTest"            "bit",
    "IsHFW"                  "bit",
    "IsProgressMonitoring"   "bit",
    "AssessmentName"         "nvarchar(max)",
    "AssessmentDescription"  "nvarchar(max)",
    "DefaultDataEntryPage"   "nvarchar(max)",
    "DataEntryPages"         "nvarchar(max)",
    "DefaultClassReportPage" "nvarchar(max)",
    "ClassReportPages"       "nvarchar(max)",
    "TestType"               "int",
    "SortOrder"              "int",
    "BaseType"               "int",
    "ModifiedDate"           "datetime",
    "Ip"                     "nvarchar(max)",
    "ModifiedBy"             "nvarchar(max)"
);

CREATE TABLE "AssessmentFieldCategory" (
    "Id"              "int" NOT NULL PRIMARY KEY,
    "AssessmentId"    "int" NOT NULL,
    "SortOrder"       "int" NOT NULL,
    "AltOrder"        "int",
    "DisplayName"     "nvarchar(max)",
    "AltDisplayLabel" "nvarchar(max)",
    "Description"     "nvarchar(max)",
    "PreviousId"      "int",
    "Flag1"           "bit",
    "Flag2"           "bit",
    "Flag3"           "bit",
    "Flag4"           "bit",
    "Flag5"           "bit",
    "ModifiedDate"    "datetime",
    "Ip"              "nvarchar(max)",
    "ModifiedBy"      "nvarchar(max)"
);

CREATE TABLE "AssessmentFieldSubCategory" (
    "Id"              "int" NOT NULL PRIMARY KEY,
    "AssessmentId"    "int" NOT NULL,
    "SortOrder"       "int" NOT NULL,
    "AltOrder"        "int",
    "DisplayName"     "nvarchar(max)",
    "AltDisplayLabel" "nvarchar(max)",
    "Description"     "nvarchar(max)",
    "PreviousId"      "int",
    "Flag1"           "bit",
    "Flag2"           "bit",
    "Flag3"           "bit",
    "Flag4"           "bit",
    "Flag5"           "bit",
    "ModifiedDate"    "datetime",
    "Ip"              "nvarchar(max)",
    "ModifiedBy"      "nvarchar(max)"
);

CREATE TABLE "AssessmentFieldGroupContainer" (
    "Id"              "int" NOT NULL PRIMARY KEY,
    "AssessmentId"    "int" NOT NULL,
    "SortOrder"       "int" NOT NULL,
    "AltOrder"        "int",
    "DisplayName"     "nvarchar(max)",
    "AltDisplayLabel" "nvarchar(max)",
    "Description"     "nvarchar(max)",
    "PreviousId"      "int",
    "Flag1"           "bit",
    "Flag2"           "bit",
    "Flag3"           "bit",
    "Flag4"           "bit",
    "Flag5"           "bit",
    "ModifiedDate"    "datetime",
    "Ip"              "nvarchar(max)",
    "ModifiedBy"      "nvarchar(max)"
);

CREATE TABLE "AssessmentFieldGroup" (
    "Id"                              "int" NOT NULL PRIMARY KEY,
    "AssessmentId"                    "int" NOT NULL,
    "SortOrder"                       "int" NOT NULL,
    "AltOrder"                        "int",
    "DisplayName"                     "nvarchar(max)",
    "AltDisplayLabel"                 "nvarchar(max)",
    "Description"                     "nvarchar(max)",
    "PreviousId"                      "int",
    "IsKdg"                           "bit" NOT NULL,
    "Flag1"                           "bit",
    "Flag2"                           "bit",
    "Flag3"                           "bit",
    "Flag4"                           "bit",
    "Flag5"                           "bit",
    "AssessmentFieldGroupContainerId" "int",
    "ModifiedDate"                    "datetime",
    "Ip"                              "nvarchar(max)",
    "ModifiedBy"                      "nvarchar(max)"
);

CREATE TABLE "AssessmentField" (
    "Id"                              "int" NOT NULL PRIMARY KEY,
    "StorageTable"                    "nvarchar(max)",
    "DisplayLabel"                    "nvarchar(max)",
    "ObsSummaryLabel"                 "nvarchar(max)",
    "DisplayInStackedBarGraphSummary" "bit",
    "AltDisplayLabel"                 "nvarchar(max)",
    "FieldType"                       "nvarchar(max)",
    "DefaultValue"                    "nvarchar(max)",
    "IsRequired"                      "bit" NOT NULL,
    "CategoryId"                      "int",
    "SubcategoryId"                   "int",
    "GroupId"                         "int",
    "Page"                            "int" NOT NULL,
    "FieldOrder"                      "int" NOT NULL,
    "AltOrder"                        "int",
    "Description"                     "nvarchar(max)",
    "LookupFieldName"                 "nvarchar(max)",
    "RangeHigh"                       "int" NOT NULL,
    "RangeLow"                        "int" NOT NULL,
    "DatabaseColumn"                  "nvarchar(max)",
    "UniqueImportColumnName"          "nvarchar(max)",
    "CalculationFunction"             "nvarchar(max)",
    "CalculationFields"               "nvarchar(max)",
    "AssessmentId"                    "int" NOT NULL,
    "DisplayInObsSummary"             "bit",
    "DisplayInEditResultList"         "bit",
    "DisplayInLineGraphSummaryTable"  "bit",
    "DisplayInLineGraphs"             "bit",
    "OutOfHowMany"                    "int",
    "PreviousId"                      "int",
    "IsPrimaryFieldForAssessment"     "bit",
    "ImportColumnName"                "nvarchar(max)",
    "Flag1"                           "bit",
    "Flag2"                           "bit",
    "Flag3"                           "bit",
    "Flag4"                           "bit",
    "Flag5"                           "bit",
    "ModifiedDate"                    "datetime",
    "Ip"                              "nvarchar(max)",
    "ModifiedBy"                      "nvarchar(max)"
);

CREATE TABLE "AssessmentLookupField" (
    "Id"              "int" NOT NULL PRIMARY KEY,
    "FieldName"       "nvarchar(max)",
    "FieldValue"      "nvarchar(max)",
    "SortOrder"       "int" NOT NULL,
    "FieldSpecificId" "int",
    "Description"     "nvarchar(max)",
    "ModifiedDate"    "datetime",
    "Ip"              "nvarchar(max)",
    "ModifiedBy"      "nvarchar(max)"
);

CREATE TABLE "TestLevelPeriod" (
    "Id"          "int" NOT NULL PRIMARY KEY,
    "Title"       "nvarchar(max)",
    "PeriodOrder" "int" NOT NULL,
    "Notes"       "nvarchar(max)"
);

CREATE TABLE "TestDueDate" (
    "Id"                "int" NOT NULL PRIMARY KEY,
    "SchoolStartYear"   "int",
    "DueDate"           "datetime",
    "TestLevelPeriodID" "int",
    "Notes"             "nvarchar(max)",
    "Hex"               "nvarchar(max)",
    "IsSupplemental"    "bit",
    "StartDate"         "datetime",
    "EndDate"           "datetime",
    "ModifiedDate"      "datetime",
    "Ip"                "nvarchar(max)",
    "ModifiedBy"        "nvarchar(max)"
);

CREATE TABLE "District_Benchmark" (
    "Id"                "int" NOT NULL PRIMARY KEY,
    "AssessmentID"      "int" NOT NULL,
    "GradeID"           "int" NOT NULL,
    "TestLevelPeriodID" "int" NOT NULL,
    "AssessmentField"   "nvarchar(max)",
    "DoesNotMeet"       "decimal(18,2)",
    "Approaches"        "decimal(18,2)",
    "Meets"             "decimal(18,2)",
    "Exceeds"           "decimal(18,2)"
);

CREATE TABLE "InterventionGroup" (
    "Id"                     "int" NOT NULL PRIMARY KEY,
    "Name"                   "nvarchar(max)",
    "Description"            "nvarchar(max)",
    "StaffID"                "int" NOT NULL,
    "SchoolStartYear"        "int" NOT NULL,
    "SchoolID"               "int" NOT NULL,
    "SectionDataTypeID"      "int" NOT NULL,
    "InterventionTypeID"     "int",
    "InterventionTierID"     "int",
    "StartDate"              "datetime",
    "EndDate"                "datetime",
    "StaffTimeSlotID"        "int",
    "IsInterventionGroup"    "bit" NOT NULL,
    "InterventionDistrictID" "int",
    "MondayMeet"             "bit",
    "TuesdayMeet"            "bit",
    "WednesdayMeet"          "bit",
    "ThursdayMeet"           "bit",
    "FridayMeet"             "bit",
    "StartTime"              "datetime",
    "EndTime"                "datetime",
    "ModifiedDate"           "datetime",
    "Ip"                     "nvarchar(max)",
    "ModifiedBy"             "nvarchar(max)"
);

CREATE TABLE "StudentInterventionGroup" (
    "Id"                  "int" NOT NULL PRIMARY KEY,
    "StudentID"           "int" NOT NULL,
    "InterventionGroupId" "int" NOT NULL,
    "StartDate"           "datetime" NOT NULL,
    "EndDate"             "datetime",
    "LastAssociatedTDDID" "int",
    "Notes"               "nvarchar(max)",
    "LastAssociatedTDD"   "datetime",
    "ModifiedDate"        "datetime",
    "Ip"                  "nvarchar(max)",
    "ModifiedBy"          "nvarchar(max)"
);

CREATE TABLE "InterventionAttendance" (
    "Id"                 "int" NOT NULL PRIMARY KEY,
    "SectionID"          "int" NOT NULL,
    "Notes"              "nvarchar(max)",
    "AttendanceDate"     "datetime" NOT NULL,
    "AttendanceReasonID" "int" NOT NULL,
    "StudentID"          "int" NOT NULL,
    "RecorderID"         "int" NOT NULL,
    "Contact"            "bit",
    "ClassStartEndID"    "int",
    "ModifiedDate"       "datetime",
    "Ip"                 "nvarchar(max)",
    "ModifiedBy"         "nvarchar(max)"
);

-- Result tables are made at run time, one or more for each assessment; these two are the rehearsal's.

CREATE TABLE "AssessmentFP" (
    "ID"             "int" NOT NULL PRIMARY KEY,
    "StudentID"      "int",
    "SectionID"      "int",
    "RecorderID"     "int",
    "TestDueDateID"  "int",
    "DateTestTaken"  "datetime",
    "IsCopied"       "bit",
    "TextLevel"      "int",
    "Accuracy"       "decimal(18,2)",
    "TotalScore"     "decimal(18,2)",
    "WordsPerMinute" "int",
    "Comments"       "nvarchar(max)",
    "Passed"         "bit"
);

CREATE TABLE "AssessmentLID" (
    "ID"            "int" NOT NULL PRIMARY KEY,
    "StudentID"     "int",
    "SectionID"     "int",
    "RecorderID"    "int",
    "TestDueDateID" "int",
    "DateTestTaken" "datetime",
    "IsCopied"      "bit",
    "UpperCase"     "int",
    "LowerCase"     "int",
    "TotalScore"    "decimal(18,2)",
    "Notes"         "nvarchar(max)"
);
