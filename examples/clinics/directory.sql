-- What the one database holds that all clinics share: which clinics there are, who works there, the usual kinds of visit.
CREATE TABLE Clinic (
    Id uniqueidentifier NOT NULL PRIMARY KEY, Name nvarchar(100), City nvarchar(100), Opened date
);
CREATE TABLE Account (Id int NOT NULL PRIMARY KEY, Email nvarchar(200), FullName nvarchar(200), LastSeen datetime);
CREATE TABLE Membership (Id int NOT NULL PRIMARY KEY, AccountId int, ClinicId uniqueidentifier, Role varchar(20));
CREATE TABLE StandardVisitType (Id int NOT NULL PRIMARY KEY, Code nvarchar(10), Title nvarchar(100), Minutes int);
