-- The shared login database as SQLite: the columns, declared types, NOT NULL and primary keys of the SQL Server
-- original. Text keys compare without regard to case, as the original's collation does.

CREATE TABLE "District" (
    "Id"                      "int" NOT NULL PRIMARY KEY,
    "Name"                    "nvarchar(max)",
    "Description"             "nvarchar(max)",
    "State"                   "nvarchar(max)",
    "Enabled"                 "bit",
    "AccessLevel"             "int",
    "AzureContainerName"      "nvarchar(max)",
    "ProfilePicturePrefix"    "nvarchar(max)",
    "ProfilePictureExtension" "nvarchar(max)",
    "Extension1"              "nvarchar(max)",
    "Extension2"              "nvarchar(max)",
    "Extension3"              "nvarchar(max)",
    "Extension4"              "nvarchar(max)",
    "Extension5"              "nvarchar(max)",
    "Extension6"              "nvarchar(max)",
    "Extension7"              "nvarchar(max)",
    "Extension8"              "nvarchar(max)",
    "Extension9"              "nvarchar(max)",
    "Extension10"             "nvarchar(max)"
);

CREATE TABLE "StaffDistrict" (
    "Id"                 "int" NOT NULL PRIMARY KEY,
    "StaffEmail"         "nvarchar(max)",
    "DistrictId"         "int" NOT NULL,
    "CurrentVersion"     "decimal(18,2)",
    "VersionLastUpdated" "datetime",
    "IsSA"               "bit"
);

CREATE TABLE "AspNetUsers" (
    "Id"                   "nvarchar(128)" NOT NULL COLLATE NOCASE PRIMARY KEY,
    "LoweredEmail"         "nvarchar(max)",
    "Email"                "nvarchar(256)",
    "EmailConfirmed"       "bit" NOT NULL,
    "PasswordHash"         "nvarchar(max)",
    "SecurityStamp"        "nvarchar(max)",
    "PhoneNumber"          "nvarchar(max)",
    "PhoneNumberConfirmed" "bit" NOT NULL,
    "TwoFactorEnabled"     "bit" NOT NULL,
    "LockoutEndDateUtc"    "datetime",
    "LockoutEnabled"       "bit" NOT NULL,
    "AccessFailedCount"    "int" NOT NULL,
    "UserName"             "nvarchar(256)" NOT NULL
);

CREATE TABLE "AspNetRoles" (
    "Id"   "nvarchar(128)" NOT NULL COLLATE NOCASE PRIMARY KEY,
    "Name" "nvarchar(256)" NOT NULL
);

CREATE TABLE "AspNetUserRoles" (
    "UserId" "nvarchar(128)" NOT NULL COLLATE NOCASE,
    "RoleId" "nvarchar(128)" NOT NULL COLLATE NOCASE,
    PRIMARY KEY ("UserId", "RoleId")
);

CREATE TABLE "NSGrade" (
    "Id"         "int" NOT NULL PRIMARY KEY,
    "ShortName"  "nvarchar(max)",
    "LongName"   "nvarchar(max)",
    "GradeOrder" "int" NOT NULL
);
